"""The agency proposes a merge, or the core tells of one that it did."""

from __future__ import annotations

from datetime import datetime, time
from uuid import UUID

import msgspec

from app.feed.apply_answer import acknowledge
from app.feed.event import CardMerged, MergeProposed
from app.feed.rejection import MergeRejected, Rejected
from app.feed.turn import Applied, Owner, Turn, find_owner, record_cause
from app.merges.propose import propose
from app.platform.clock import JAKARTA
from app.platform.database import new_id
from app.platform.problems import Problem
from app.platform.sql import load

SQL = load("feed/apply_merge")


async def propose_merge(turn: Turn, data: MergeProposed) -> Applied:
    """A proposal that waits for its participant; nothing else changes.

    Raises Rejected: `card_unknown`, `cards_of_different_owners`, `data_invalid`, or the code of the merge's problem.
    """
    kpjs = [data.into, *data.absorb]
    if len(set(kpjs)) != len(kpjs):
        raise Rejected("data_invalid", reason="a card stands twice, or merges into itself")
    owner = await find_owner(turn, kpjs)
    if turn.admit is not None:
        await turn.admit(turn, owner.participant_id)
    merge_id = new_id()
    cause_id = await record_cause(turn, owner.participant_id, origin="agency", reason=data.reason, merge_id=merge_id)
    try:
        await propose(
            turn.connection,
            participant_id=owner.participant_id,
            merge_id=merge_id,
            absorb=data.absorb,
            into=data.into,
            proposed_by="agency",
            reason=data.reason,
            cause_id=cause_id,
            settings=turn.settings,
            now=turn.now,
        )
    except Problem as problem:
        raise MergeRejected(problem) from None
    return Applied(owner.participant_id, owner.lane)


async def report_merge(turn: Turn, data: CardMerged) -> Applied:
    """A merge that the core did: ours, and so acknowledged; or nobody's, and so shown, announced and disputable.

    No balance moves. Open merges of the two cards end first: what the core did cannot be proposed any more.
    Raises Rejected: `card_unknown`, `cards_of_different_owners`, `card_merged_already`, `merge_makes_cycle`,
    `merge_answered_already`, `data_invalid`.
    """
    if data.absorbed == data.into:
        raise Rejected("data_invalid", reason="a card cannot be merged into itself")
    if not data.balances.keys() <= {data.absorbed, data.into}:
        raise Rejected("data_invalid", reason="balances names another card")
    owner = await find_owner(turn, [data.absorbed, data.into])
    absorbed_id, into_id = owner.card_ids[data.absorbed], owner.card_ids[data.into]
    ours = await turn.connection.fetchrow(SQL["find_ours"], owner.participant_id, absorbed_id, into_id)
    if ours is not None:
        return await _acknowledge_ours(turn, owner, ours["merge_id"], ours["core"])

    rows = await turn.connection.fetch(SQL["read_pair"], owner.participant_id, [absorbed_id, into_id])
    cards = {row["kpj"]: row for row in rows}
    absorbed, into = cards[data.absorbed], cards[data.into]
    # An own number resolves in one hop: the living card is where the card to merge into was merged itself.
    living_id = into["merged_into"] or into_id
    if living_id == absorbed_id:
        raise Rejected("merge_makes_cycle")
    if absorbed["merge_mark"] == "merged_without_consent" and absorbed["merged_into"] == living_id:
        return Applied(owner.participant_id, owner.lane, "nothing_changed")
    if absorbed["merge_mark"] is not None:
        raise Rejected("card_merged_already", into=absorbed["merged_into_kpj"])
    await _write_report(turn, owner, data, living_id)
    return Applied(owner.participant_id, owner.lane)


async def _acknowledge_ours(turn: Turn, owner: Owner, merge_id: UUID, core: str | None) -> Applied:
    if core == "refused":
        raise Rejected("merge_answered_already", core=core)
    if core == "pending":
        await acknowledge(turn, owner.participant_id, merge_id)
    return Applied(owner.participant_id, owner.lane, "merge_acknowledged")


async def _write_report(turn: Turn, owner: Owner, data: CardMerged, living_id: UUID) -> None:
    merge_id = new_id()
    absorbed_id = owner.card_ids[data.absorbed]
    cause_id = await record_cause(turn, owner.participant_id, merge_id=merge_id)
    cards = [absorbed_id, owner.card_ids[data.into], living_id]
    await turn.connection.fetch(SQL["cancel_open"], owner.participant_id, cards, cause_id)
    await turn.connection.execute(
        SQL["report_merge"],
        owner.participant_id,
        merge_id,
        absorbed_id,
        living_id,
        cause_id,
        datetime.combine(data.merged_on, time(), JAKARTA),
        msgspec.to_builtins(data),
    )
