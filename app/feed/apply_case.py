"""The agency decides a case: what a participant disputed is restored, or the agency stands by it and says why."""

from __future__ import annotations

from app.cases.decide import Decision, decide_case, find_case
from app.feed.apply_match import decide_match
from app.feed.event import CaseDecided
from app.feed.rejection import Rejected
from app.feed.turn import SQL, Applied, Turn, check_streams, record_cause

DECISIONS = {"dispute": ("restored", "accepted"), "match": ("linked", "refused")}


async def apply_decision(turn: Turn, data: CaseDecided) -> Applied:
    """Decides an open case, once. A restoration is decided by two people.

    Raises Rejected: `case_unknown`, `case_decided_already`, `decision_unfit`, `four_eyes_needed`, `stream_foreign`.
    """
    case = await find_case(turn.connection, data.case_id, turn.sealer)
    if case is None:
        raise Rejected("case_unknown")
    if data.decision not in DECISIONS[case.kind]:
        raise Rejected("decision_unfit", kind=case.kind, decisions=", ".join(DECISIONS[case.kind]))
    if case.kind == "match":
        return await decide_match(turn, case, data)
    check_streams(turn.event, nik=case.nik, kpjs=case.kpjs)
    await turn.connection.execute(SQL["lock_participant"], case.participant_id)
    case = await find_case(turn.connection, data.case_id, turn.sealer)
    if case is None or case.state != "open":
        raise Rejected("case_decided_already")
    cause_id = await record_cause(
        turn, case.participant_id, origin="agency", reason=data.reason, merge_id=case.merge_id
    )
    decision = Decision(data.decision, data.reason, data.staff, data.second_staff)
    await decide_case(turn.connection, case, data.case_id, decision, cause_id)
    return Applied(case.participant_id, case.lane)
