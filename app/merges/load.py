"""What every verb of a merge begins with: the head locked, the cards and the merge as they stand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from app.merges import plan as plans
from app.merges.merge import Card, Pairs
from app.merges.plan import Plan
from app.merges.problems import MergeUnknown
from app.platform.database import Connection
from app.platform.sql import load, statement

CARDS = load("merges/cards")
MERGES = statement("merges/show")
NEVER_SUGGESTED = statement("merges/never_suggest", "pairs")


class Merge(msgspec.Struct, frozen=True):
    """A row of `merges` with its plan; `absorb` and `into_card` are card ids. `plan` is None for a reported merge.

    `superseded_by` is the merge whose report cancelled this one.
    """

    merge_id: UUID
    state: str
    core: str | None
    proposed_by: str
    reason: str | None
    absorb: list[UUID]
    into_card: UUID
    absorb_kpj: list[str]
    into_kpj: str
    plan_digest: str | None
    plan_expires_at: datetime | None
    proposed_at: datetime
    expires_at: datetime | None
    confirmation_id: UUID | None
    confirmed_at: datetime | None
    executes_at: datetime | None
    executed_at: datetime | None
    undo_until: datetime | None
    last_refusal: Any
    closed_because: str | None
    reported: Any
    superseded_by: UUID | None
    canonical: bytes | None
    explained_by: list[UUID]

    @property
    def plan(self) -> Plan | None:
        return plans.read(self.canonical) if self.canonical is not None else None


async def lock_cards(connection: Connection, participant_id: UUID) -> list[Card]:
    """All cards of a participant, once nothing else can change them: the head is locked until the transaction ends."""
    await connection.fetchrow(CARDS["lock"], participant_id)
    return await read_cards(connection, participant_id)


async def read_cards(connection: Connection, participant_id: UUID) -> list[Card]:
    """All cards of a participant as the rules look at them, oldest first."""
    return [msgspec.convert(dict(row), Card) for row in await connection.fetch(CARDS["cards"], participant_id)]


async def read_never_suggested(connection: Connection, participant_id: UUID) -> Pairs:
    """The pairs of cards that this participant does not want to be offered again."""
    rows = await connection.fetch(NEVER_SUGGESTED, participant_id)
    return frozenset(frozenset((row["card_id"], row["other_card_id"])) for row in rows)


async def read_merge(connection: Connection, participant_id: UUID, merge_id: UUID) -> Merge:
    """One merge of this participant. Raises MergeUnknown, for a stranger's too."""
    rows = await read_merges(connection, participant_id, merge_id=merge_id)
    if not rows:
        raise MergeUnknown
    return rows[0]


async def read_merges(
    connection: Connection,
    participant_id: UUID,
    *,
    merge_id: UUID | None = None,
    before: tuple[datetime, UUID] | None = None,
    limit: int = 1,
) -> list[Merge]:
    """Merges of this participant, newest first."""
    instant, last = before or (None, None)
    rows = await connection.fetch(MERGES, participant_id, merge_id, instant, last, limit)
    return [msgspec.convert(dict(row), Merge) for row in rows]


def pick(cards: Sequence[Card], merge: Merge) -> tuple[list[Card], Card]:
    """The cards of a merge, by role."""
    by_id = {card.card_id: card for card in cards}
    return [by_id[card_id] for card_id in merge.absorb], by_id[merge.into_card]
