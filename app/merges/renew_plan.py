"""A fresh plan for a proposal: on request, or with another survivor."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.cards.show import Kpj
from app.identity.session import SignedIn
from app.merges.load import lock_cards, pick, read_merge
from app.merges.merge import HELD, Card, Judgement, judge
from app.merges.plan import Plan, canonical, digest, make_plan
from app.merges.present import MergeShown, show_merge
from app.merges.problems import (
    CardFrozen,
    CardLocked,
    ClaimPending,
    MergeAlreadyConfirmed,
    MergeAlreadyExecuted,
    MergeAlreadyOpen,
    MergeClosed,
    MergeExpired,
    MergeNotAllowed,
    MergeSuperseded,
    MergeUnknown,
    SurvivorUnknown,
)
from app.merges.propose import WRITE
from app.merges.select import refuse_unless_allowed
from app.merges.state import refuse_unless_proposed
from app.platform.clock import jakarta_day
from app.platform.database import Connection
from app.platform.jobs import Doorbell
from app.platform.strict_json import Nothing
from app.settings import Settings


class Survivor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    into: Kpj


@post(
    "/v1/merges/{merge_id:uuid}/plan",
    status_code=200,
    opt={
        "problems": (
            MergeAlreadyConfirmed,
            MergeAlreadyExecuted,
            MergeClosed,
            MergeExpired,
            MergeNotAllowed,
            MergeSuperseded,
            MergeUnknown,
        )
    },
    tags=["merges"],
)
async def renew(
    merge_id: FromPath[UUID],
    data: JSONBody[Nothing],  # noqa: ARG001 - an unknown member is refused
    connection: NamedDependency[Connection],
    now: NamedDependency[datetime],
    who: NamedDependency[SignedIn],
    settings: NamedDependency[Settings],
) -> MergeShown:
    """The plan for the cards as they stand now, good for 15 minutes. None is shown while the balances themselves are in doubt."""
    cards = await lock_cards(connection, who.participant_id)
    merge = await read_merge(connection, who.participant_id, merge_id)
    refuse_unless_proposed(merge, now)
    absorb, into = pick(cards, merge)
    _refuse_held(judge(absorb, into, day=jakarta_day(now), ours=merge_id))
    await keep_fresh_plan(
        connection, who.participant_id, plan_now(merge_id, absorb, into, settings, now), settings, now
    )
    return show_merge(await read_merge(connection, who.participant_id, merge_id), who.locale, now)


@post(
    "/v1/merges/{merge_id:uuid}/survivor",
    status_code=200,
    opt={
        "problems": (
            CardFrozen,
            CardLocked,
            ClaimPending,
            MergeAlreadyConfirmed,
            MergeAlreadyExecuted,
            MergeAlreadyOpen,
            MergeClosed,
            MergeExpired,
            MergeNotAllowed,
            MergeSuperseded,
            MergeUnknown,
            SurvivorUnknown,
        )
    },
    tags=["merges"],
)
async def choose_survivor(
    merge_id: FromPath[UUID],
    data: JSONBody[Survivor],
    connection: NamedDependency[Connection],
    now: NamedDependency[datetime],
    doorbell: NamedDependency[Doorbell],
    who: NamedDependency[SignedIn],
    settings: NamedDependency[Settings],
) -> MergeShown:
    """Turns a proposal round: another of its cards stays, the others are absorbed. The plan is a fresh one."""
    cards = await lock_cards(connection, who.participant_id)
    merge = await read_merge(connection, who.participant_id, merge_id)
    refuse_unless_proposed(merge, now)
    absorb, into = _turn([card for card in cards if card.card_id in (*merge.absorb, merge.into_card)], data.into)
    refuse_unless_allowed(judge(absorb, into, day=jakarta_day(now), ours=merge_id), [*absorb, into])
    plan = plan_now(merge_id, absorb, into, settings, now)
    await keep_fresh_plan(connection, who.participant_id, plan, settings, now)
    if into.card_id != merge.into_card:
        actor = str(who.key_id)
        cause_id = await connection.fetchval(WRITE["cause"], who.participant_id, "participant", actor, None, merge_id)
        await connection.execute(
            WRITE["choose_survivor"],
            who.participant_id,
            merge_id,
            [card.card_id for card in absorb],
            into.card_id,
            digest(canonical(plan)),
            now + timedelta(seconds=settings.plan_ttl_s),
            cause_id,
        )
        doorbell.ring(who.participant_id, who.lane)
    return show_merge(await read_merge(connection, who.participant_id, merge_id), who.locale, now)


def _refuse_held(judgement: Judgement) -> None:
    """Figures that the core does not agree with are not shown as a plan. Pure."""
    if HELD & set(judgement.reasons):
        raise MergeNotAllowed(reasons=judgement.reasons)


def plan_now(merge_id: UUID, absorb: Sequence[Card], into: Card, settings: Settings, now: datetime) -> Plan:
    """What this merge would do with the cards as they stand. Pure."""
    return make_plan(
        merge_id,
        absorb,
        into,
        judge(absorb, into, day=jakarta_day(now), ours=merge_id),
        cooling_off_s=settings.merge_cooling_off_s,
        undo_window_s=settings.merge_undo_window_s,
    )


async def keep_fresh_plan(
    connection: Connection, participant_id: UUID, plan: Plan, settings: Settings, now: datetime
) -> datetime:
    """Keeps the plan as the one to be confirmed, and returns until when it is good."""
    shown = canonical(plan)
    until = now + timedelta(seconds=settings.plan_ttl_s)
    await connection.execute(WRITE["keep_plan"], participant_id, plan.merge_id, digest(shown), shown, now)
    await connection.execute(WRITE["renew_plan"], participant_id, plan.merge_id, digest(shown), until)
    return until


def _turn(cards: Sequence[Card], into: str) -> tuple[list[Card], Card]:
    survivors = [card for card in cards if card.kpj == into]
    if not survivors:
        raise SurvivorUnknown
    return sorted((card for card in cards if card.kpj != into), key=lambda card: card.kpj), survivors[0]
