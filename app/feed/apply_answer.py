"""The core answers to a merge that was agreed here: it carried it out, or it will not."""

from __future__ import annotations

from uuid import UUID

import msgspec

from app.feed.event import MergeAnswered
from app.feed.rejection import Rejected
from app.feed.turn import Applied, Turn, check_streams, record_cause
from app.merges.load import Merge, lock_cards, pick, read_merge
from app.merges.merge import Card
from app.merges.plan import canonical, digest
from app.merges.propose import WRITE
from app.merges.renew_plan import plan_now
from app.merges.reverse import Obstacle, plan_reversal, reverse_merge
from app.platform.database import new_id
from app.platform.sql import load

SQL = load("feed/apply_answer")

CARRIED_OUT = ("executed", "undone")


class Answered(msgspec.Struct, frozen=True):
    """The merge that the core names, with its participant's cards, locked from here on."""

    participant_id: UUID
    lane: int
    merge: Merge
    cards: list[Card]

    def applied(self, code: str | None = None) -> Applied:
        return Applied(self.participant_id, self.lane, code)


async def acknowledge_merge(turn: Turn, data: MergeAnswered) -> Applied:
    """The core carried out an executed merge, or the undo of one; the participant is told.

    Raises Rejected: `merge_unknown`, `merge_not_agreed`, `merge_answered_already`, `report_needed`, `stream_foreign`.
    """
    found = await _find(turn, data.merge_id)
    merge = found.merge
    if merge.core == "acknowledged":
        return found.applied("nothing_changed")
    if merge.state == "confirmed" and merge.core == "pending":
        raise Rejected("report_needed")
    if merge.state not in CARRIED_OUT:
        raise Rejected("merge_not_agreed", state=merge.state)
    if merge.core != "pending":
        raise Rejected("merge_answered_already", core=merge.core)
    await acknowledge(turn, found.participant_id, merge.merge_id, data.reason)
    return found.applied()


async def acknowledge(turn: Turn, participant_id: UUID, merge_id: UUID, reason: str | None = None) -> None:
    """Writes the acknowledgement of a merge whose answer is pending. The participant must be locked."""
    cause_id = await record_cause(turn, participant_id, reason=reason, merge_id=merge_id)
    await turn.connection.execute(SQL["acknowledge"], participant_id, merge_id, cause_id)


async def refuse_merge(turn: Turn, data: MergeAnswered) -> Applied:
    """The core will not do what was agreed. Before its execution the merge is a proposal again; afterwards it is reversed
    whole (`merge_reversed`), or where that cannot be, staff get a case (`case_opened`).

    Raises Rejected: `merge_unknown`, `merge_not_agreed`, `merge_answered_already`, `stream_foreign`, `merges_paused`.
    """
    found = await _find(turn, data.merge_id)
    merge = found.merge
    sent_back = merge.state == "proposed" and (merge.last_refusal or {}).get("code") == "core_refused"
    if merge.core == "refused" or sent_back:
        return found.applied("nothing_changed")
    if merge.state != "confirmed" and merge.state not in CARRIED_OUT:
        raise Rejected("merge_not_agreed", state=merge.state)
    if merge.state in CARRIED_OUT and merge.core != "pending":
        raise Rejected("merge_answered_already", core=merge.core)
    cause_id = await record_cause(turn, found.participant_id, reason=data.reason, merge_id=merge.merge_id)
    if merge.state == "confirmed":
        await _send_back(turn, found, data.reason, cause_id)
        return found.applied()
    reversal = (
        await plan_reversal(turn.connection, found.participant_id, merge, found.cards)
        if merge.state == "executed"
        else Obstacle("merge_undone")  # what the participant took back is not joined again without a new agreement
    )
    if isinstance(reversal, Obstacle):
        figures = msgspec.to_builtins(reversal)
        await turn.connection.execute(
            SQL["open_case"], found.participant_id, merge.merge_id, new_id(), figures, cause_id
        )
        return found.applied("case_opened")
    await reverse_merge(turn.connection, found.participant_id, merge, found.cards, reversal, cause_id, turn.now)
    return found.applied("merge_reversed")


async def _find(turn: Turn, merge_id: UUID) -> Answered:
    row = await turn.connection.fetchrow(SQL["find"], merge_id)
    if row is None:
        raise Rejected("merge_unknown")
    nik = turn.sealer.open(row["nik_sealed"], column="nik", row=row["participant_id"])
    check_streams(turn.event, nik=nik, kpjs=row["kpjs"])
    cards = await lock_cards(turn.connection, row["participant_id"])
    merge = await read_merge(turn.connection, row["participant_id"], merge_id)
    return Answered(row["participant_id"], row["lane"], merge, cards)


async def _send_back(turn: Turn, found: Answered, reason: str | None, cause_id: UUID) -> None:
    """A proposal again, with a fresh plan, which must be confirmed anew."""
    merge, participant_id = found.merge, found.participant_id
    absorb, into = pick(found.cards, merge)
    shown = canonical(plan_now(merge.merge_id, absorb, into, turn.settings, turn.now))
    await turn.connection.execute(WRITE["keep_plan"], participant_id, merge.merge_id, digest(shown), shown, turn.now)
    await turn.connection.execute(SQL["send_back"], participant_id, merge.merge_id, digest(shown), reason, cause_id)
