"""Staff decide a claimed match: the card is linked, by a recorded transfer between two participants, or it is not."""

from __future__ import annotations

from app.cases.decide import FoundCase
from app.feed.event import CaseDecided
from app.feed.rejection import Rejected
from app.feed.turn import Applied, Turn, check_streams
from app.platform.database import new_id
from app.platform.sql import load

SQL = load("feed/apply_match")


async def decide_match(turn: Turn, case: FoundCase, data: CaseDecided) -> Applied:
    """Decides once; a card is linked by two people. Both participants are told, and both lanes are rung.

    The database locks both heads, in order: nothing is locked here before. Raises Rejected: `case_decided_already`,
    `stream_foreign`, and by the constraint's name `four_eyes_needed`, `card_not_free`.
    """
    check_streams(turn.event, nik=case.nik, kpjs=case.kpjs)
    if case.state != "open":
        raise Rejected("case_decided_already")
    decided = (data.decision, data.reason, data.staff, data.second_staff, turn.event.id, turn.event.occurred_at)
    row = await turn.connection.fetchrow(SQL["decide"], case.participant_id, data.case_id, new_id(), *decided)
    other = row and row["other_participant_id"]
    return Applied(case.participant_id, case.lane, others=((other, row["other_lane"]),) if row and other else ())
