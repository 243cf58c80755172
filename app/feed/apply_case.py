"""The agency decides a case: a dispute, a match, a refusal by its core, two balances that differ, an heir, a correction."""

from __future__ import annotations

from uuid import UUID

import msgspec

from app.cases.decide import DECISIONS, Decision, FoundCase, decide_case, decide_heir_case, find_case
from app.feed.apply_match import decide_match
from app.feed.event import CaseDecided
from app.feed.rejection import Rejected
from app.feed.turn import SQL, Applied, Turn, check_streams, record_cause
from app.merges.load import lock_cards, read_merge
from app.merges.reverse import Obstacle, plan_reversal, reverse_merge


async def apply_decision(turn: Turn, data: CaseDecided) -> Applied:
    """Decides an open case, once. What moves or returns money, and that somebody is an heir, is decided by two people.

    Raises Rejected: `case_unknown`, `case_decided_already`, `decision_unfit`, `four_eyes_needed`, `stream_foreign`,
    `merge_not_reversible`, `balance_still_differs`, `merges_paused`, `papers_missing`.
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
    if data.decision == "reversed":
        await _reverse(turn, case, cause_id)
    decision = Decision(data.decision, data.reason, data.staff, data.second_staff)
    if case.kind == "heir":
        await decide_heir_case(
            turn.connection, case, data.case_id, decision, msgspec.to_builtins(data.papers), cause_id
        )
    else:
        await decide_case(turn.connection, case, data.case_id, decision, cause_id)
    return Applied(case.participant_id, case.lane)


async def _reverse(turn: Turn, case: FoundCase, cause_id: UUID) -> None:
    """What stood in the way has ended: the refused merge is taken back whole now."""
    if case.merge_id is None:
        raise Rejected("case_unknown")
    cards = await lock_cards(turn.connection, case.participant_id)
    merge = await read_merge(turn.connection, case.participant_id, case.merge_id)
    if merge.state != "executed":
        raise Rejected("merge_not_reversible", obstacle=f"it is {merge.state}")
    reversal = await plan_reversal(turn.connection, case.participant_id, merge, cards)
    if isinstance(reversal, Obstacle):
        raise Rejected("merge_not_reversible", obstacle=reversal.obstacle)
    await reverse_merge(turn.connection, case.participant_id, merge, cards, reversal, cause_id, turn.now)
