"""An executed merge that the core refuses is taken back whole, like an undo along the lineage of each rupiah, or not at all.

The participant signs nothing here, so the database demands more than of an undo: the core has not acknowledged the merge,
nothing stands on it, and what names its card goes to it. Decision 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from app.merges.load import Merge, pick
from app.merges.merge import Card
from app.merges.plan import canonical, digest
from app.merges.propose import WRITE
from app.merges.undo_plan import Undo, list_leaving, plan_undo
from app.merges.undo_problems import UndoMoneyLeft
from app.merges.undo_seal import SQL as UNDO
from app.platform.database import Connection
from app.platform.sql import load

SQL = load("merges/reverse")


class Obstacle(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a merge cannot be reversed whole. `figures` are those of an undo after money has left."""

    obstacle: str
    merge_id: UUID | None = None
    claim_id: str | None = None
    figures: Any = None


async def plan_reversal(
    connection: Connection, participant_id: UUID, merge: Merge, cards: Sequence[Card]
) -> Undo | Obstacle:
    """The reversal of an executed merge for the cards as they stand, or what is in its way. The head must be locked."""
    absorbed, survivor = pick(cards, merge)
    later = await connection.fetchval(UNDO["later_merge"], participant_id, merge.merge_id)
    if later is not None:
        return Obstacle("merge_superseded", merge_id=later)
    reported = await connection.fetchval(SQL["reported"], participant_id, [*merge.absorb, merge.into_card])
    if reported is not None:
        return Obstacle("card_in_reported_merge", merge_id=reported)
    for card in (*absorbed, survivor):
        if card.claim_id is not None:
            return Obstacle("claim_pending", claim_id=card.claim_id)
        if card.frozen:
            return Obstacle("card_frozen")
    try:
        undo = await plan_undo(connection, participant_id, merge, absorbed, survivor)
    except UndoMoneyLeft as left:
        return Obstacle("money_left", figures=msgspec.to_builtins(left.members["figures"]))
    return msgspec.structs.replace(undo, plan=msgspec.structs.replace(undo.plan, action="reverse"))


async def reverse_merge(
    connection: Connection,
    participant_id: UUID,
    merge: Merge,
    cards: Sequence[Card],
    reversal: Undo,
    cause_id: UUID,
    now: datetime,
) -> None:
    """Carries the reversal out: the plan is kept, the database looks at both and moves the money.

    Raises asyncpg.CheckViolationError under the name merges_are_paused when all executions are.
    """
    absorbed, _ = pick(cards, merge)
    shown = canonical(reversal.plan)
    await connection.execute(WRITE["keep_plan"], participant_id, merge.merge_id, digest(shown), shown, now)
    leaving = list_leaving(reversal.splits, {card.kpj: card.card_id for card in absorbed})
    await connection.execute(SQL["reverse"], participant_id, merge.merge_id, digest(shown), leaving, cause_id)
