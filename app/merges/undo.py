"""Undoing an executed merge: shown first as a plan, proven like the merge itself, and carried out in that very request.

The database executes, not this code: it recognises the seal of a verified proof, compares the plan with the locked cards
and the splits with what came since the merge, and looks once more when the transaction commits.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.identity.problems import ChallengeExpired, ChallengeSpent, HoldInForce, ProofInvalid
from app.identity.session import SignedIn
from app.identity.statements import canonical as canonical_statement
from app.merges import plan as plans
from app.merges.confirmation import merge_statement
from app.merges.lineage import Split
from app.merges.load import Merge, lock_cards, pick, read_merge
from app.merges.merge import Card
from app.merges.plan import Plan, canonical, differences, digest
from app.merges.present import MergeShown, PlanShown, show_merge, show_plan
from app.merges.problems import (
    AcknowledgementMissing,
    CardFrozen,
    ClaimPending,
    MergeAlreadyOpen,
    MergeClosed,
    MergeNotAllowed,
    MergePlanStale,
    MergeSuperseded,
    MergeUnknown,
)
from app.merges.prove import Confirmation, keep_proven
from app.merges.select import refuse_unless_acknowledged
from app.merges.state import refuse_unless_executed
from app.merges.undo_plan import Undo, keep_undo_plan, list_leaving, plan_undo
from app.merges.undo_problems import (
    MergeNotExecuted,
    MergesPaused,
    UndoMoneyLeft,
    UndoUnavailable,
    UndoWindowOver,
)
from app.merges.undo_seal import SQL, seal_undo
from app.platform.database import Connection
from app.platform.jobs import Doorbell
from app.settings import Settings

REFUSALS = (
    CardFrozen,
    ClaimPending,
    MergeAlreadyOpen,
    MergeClosed,
    MergeNotAllowed,
    MergeNotExecuted,
    MergeSuperseded,
    MergeUnknown,
    UndoMoneyLeft,
    UndoWindowOver,
)


class UndoPlanShown(msgspec.Struct, frozen=True):
    """`splits`: where every entry since the merge goes, and by which rule; amounts are whole rupiah."""

    plan: PlanShown
    plan_digest: str
    plan_expires_at: datetime
    splits: list[Split]


@post("/v1/merges/{merge_id:uuid}/undo/plan", status_code=200, opt={"problems": REFUSALS}, tags=["merges"])
async def show_undo(
    merge_id: FromPath[UUID],
    connection: NamedDependency[Connection],
    now: NamedDependency[datetime],
    who: NamedDependency[SignedIn],
    settings: NamedDependency[Settings],
) -> UndoPlanShown:
    """What an undo would give back to each card, to the rupiah. Nothing happens to any card."""
    cards = await lock_cards(connection, who.participant_id)
    merge = await read_merge(connection, who.participant_id, merge_id)
    absorbed, survivor = pick(cards, merge)
    await _refuse_unless_undoable(connection, who, merge, [*absorbed, survivor], now)
    undo = await plan_undo(connection, who.participant_id, merge, absorbed, survivor)
    until = await keep_undo_plan(connection, who.participant_id, undo.plan, settings, now)
    return UndoPlanShown(
        plan=show_plan(undo.plan, who.locale, now),
        plan_digest=digest(canonical(undo.plan)),
        plan_expires_at=until,
        splits=undo.splits,
    )


@post(
    "/v1/merges/{merge_id:uuid}/undo",
    status_code=200,
    opt={
        "problems": (
            *REFUSALS,
            AcknowledgementMissing,
            ChallengeExpired,
            ChallengeSpent,
            HoldInForce,
            MergePlanStale,
            MergesPaused,
            ProofInvalid,
            UndoUnavailable,
        )
    },
    tags=["merges"],
)
async def undo_merge(
    merge_id: FromPath[UUID],
    data: JSONBody[Confirmation],
    connection: NamedDependency[Connection],
    now: NamedDependency[datetime],
    doorbell: NamedDependency[Doorbell],
    who: NamedDependency[SignedIn],
    settings: NamedDependency[Settings],
) -> MergeShown:
    """Undoes a merge at once, exactly as the plan said. Asked again afterwards, it answers with the undone merge."""
    cards = await lock_cards(connection, who.participant_id)
    merge = await read_merge(connection, who.participant_id, merge_id)
    if merge.state == "undone":
        return show_merge(merge, who.locale, now)
    absorbed, survivor = pick(cards, merge)
    await _refuse_unless_undoable(connection, who, merge, [*absorbed, survivor], now)
    undo = await plan_undo(connection, who.participant_id, merge, absorbed, survivor)
    await _refuse_stale_plan(connection, who, undo, data.plan_digest, settings, now)
    refuse_unless_acknowledged(undo.plan.to_acknowledge, data.acknowledged)

    confirmation_id = await keep_proven(connection, who, merge_id, data, purpose="undo", settings=settings, now=now)
    leaving = list_leaving(undo.splits, {card.kpj: card.card_id for card in absorbed})
    seal = seal_undo(settings.secret, _signed(merge_id, data))
    await connection.execute(SQL["undo"], who.participant_id, merge_id, confirmation_id, seal, leaving)
    doorbell.ring(who.participant_id, who.lane)
    return show_merge(await read_merge(connection, who.participant_id, merge_id), who.locale, now)


async def _refuse_unless_undoable(
    connection: Connection, who: SignedIn, merge: Merge, cards: Sequence[Card], now: datetime
) -> None:
    """Raises what tells best why this merge cannot be undone now; whether money has left is the plan's to say."""
    refuse_unless_executed(merge)
    if merge.undo_until is None:  # accepted afterwards: that is final
        raise MergeClosed(state=merge.state)
    if merge.undo_until <= now:
        raise UndoWindowOver(undo_until=merge.undo_until)
    later = await connection.fetchval(SQL["later_merge"], who.participant_id, merge.merge_id)
    if later is not None:
        raise MergeSuperseded(merge_id=later)
    _refuse_held_cards(merge, cards)


def _refuse_held_cards(merge: Merge, cards: Sequence[Card]) -> None:
    """Raises what holds one of the cards now. Pure."""
    if merge.core == "refused" and any(card.core_refusal_open for card in cards):
        raise MergeNotAllowed(reasons=["core_refusal_open"])
    for card in cards:
        if card.open_merge_id is not None:
            raise MergeAlreadyOpen(merge_id=card.open_merge_id)
        if card.claim_id is not None:
            raise ClaimPending(claim_id=card.claim_id)
        if card.frozen:
            raise CardFrozen
        if card.deceased:
            raise MergeNotAllowed(reasons=["participant_deceased"])


async def _refuse_stale_plan(
    connection: Connection, who: SignedIn, undo: Undo, confirmed_digest: str, settings: Settings, now: datetime
) -> None:
    """What was confirmed must be what was shown, and what was shown must be what holds now and not too old."""
    fresh = digest(canonical(undo.plan))
    row = await connection.fetchrow(SQL["shown_plan"], who.participant_id, undo.plan.merge_id)
    if row and confirmed_digest == row["plan_digest"] == fresh and row["expires_at"] > now:
        return
    before: Plan | None = plans.read(row["canonical"]) if row and row["canonical"] else None
    until = await keep_undo_plan(connection, who.participant_id, undo.plan, settings, now)
    raise MergePlanStale(
        plan=show_plan(undo.plan, who.locale, now),
        plan_digest=fresh,
        plan_expires_at=until,
        diff=differences(before, undo.plan) if before else [],
        splits=undo.splits,
    )


def _signed(merge_id: UUID, data: Confirmation) -> bytes:
    """The bytes of the statement that the proof was checked over."""
    return canonical_statement(
        merge_statement(
            purpose="undo",
            device_id=data.proof.device_id,
            merge_id=merge_id,
            plan_digest=data.plan_digest,
            acknowledged=data.acknowledged,
            nonce=data.nonce,
        )
    )
