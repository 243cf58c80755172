"""The agency proposes a merge, or the core tells of one that it did."""

from __future__ import annotations

from datetime import datetime, time
from uuid import UUID

import msgspec

from app.feed.apply_answer import acknowledge
from app.feed.apply_due import execute_due
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
    """A merge that the core did: what it was handed, and so executed here; ours, and so acknowledged; or nobody's, and so
    shown, announced and disputable.

    No balance moves but in the first. Open merges of the cards end first: what the core did cannot be proposed any more.
    Raises Rejected: `card_unknown`, `cards_of_different_owners`, `card_merged_already`, `merge_makes_cycle`,
    `merge_answered_already`, `merges_paused`, `data_invalid`.
    """
    absorbed = [data.absorbed] if isinstance(data.absorbed, str) else data.absorbed
    kpjs = [*absorbed, data.into]
    if len(set(kpjs)) != len(kpjs):
        raise Rejected("data_invalid", reason="a card stands twice, or merges into itself")
    if not data.balances.keys() <= set(kpjs):
        raise Rejected("data_invalid", reason="balances names another card")
    owner = await find_owner(turn, kpjs)
    if await execute_due(turn, owner, data, absorbed):
        return Applied(owner.participant_id, owner.lane, "merge_executed")
    codes = [await _report_one(turn, owner, data, kpj) for kpj in absorbed]
    return Applied(owner.participant_id, owner.lane, codes[0] if len(set(codes)) == 1 else None)


async def _report_one(turn: Turn, owner: Owner, data: CardMerged, absorbed_kpj: str) -> str | None:
    """One card of those that the core merged. Returns the code of the result."""
    absorbed_id, into_id = owner.card_ids[absorbed_kpj], owner.card_ids[data.into]
    ours = await turn.connection.fetchrow(SQL["find_ours"], owner.participant_id, absorbed_id, into_id)
    if ours is not None:
        return await _acknowledge_ours(turn, owner, ours["merge_id"], ours["core"])

    rows = await turn.connection.fetch(SQL["read_pair"], owner.participant_id, [absorbed_id, into_id])
    cards = {row["kpj"]: row for row in rows}
    absorbed, into = cards[absorbed_kpj], cards[data.into]
    # An own number resolves in one hop: the living card is where the card to merge into was merged itself.
    living_id = into["merged_into"] or into_id
    if living_id == absorbed_id:
        raise Rejected("merge_makes_cycle")
    if absorbed["merge_mark"] == "merged_without_consent" and absorbed["merged_into"] == living_id:
        return "nothing_changed"
    if absorbed["merge_mark"] is not None:
        raise Rejected("card_merged_already", into=absorbed["merged_into_kpj"])
    balances = {kpj: figure for kpj, figure in data.balances.items() if kpj in (absorbed_kpj, data.into)}
    told = msgspec.structs.replace(data, absorbed=absorbed_kpj, balances=balances)
    await _write_report(turn, owner, told, absorbed_id, living_id)
    return None


async def _acknowledge_ours(turn: Turn, owner: Owner, merge_id: UUID, core: str | None) -> str:
    if core == "refused":
        raise Rejected("merge_answered_already", core=core)
    if core == "pending":
        await acknowledge(turn, owner.participant_id, merge_id)
    return "merge_acknowledged"


async def _write_report(turn: Turn, owner: Owner, data: CardMerged, absorbed_id: UUID, living_id: UUID) -> None:
    merge_id = new_id()
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
