"""Agreeing, afterwards, to a merge that the core did on its own: shown as a plan first, and signed like any merge."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.identity.problems import ChallengeExpired, ChallengeSpent, HoldInForce, ProofInvalid
from app.identity.session import SignedIn
from app.merges.accept_plan import judge_acceptance, plan_acceptance
from app.merges.load import Merge, lock_cards, pick, read_merge
from app.merges.merge import Card
from app.merges.plan import Plan, canonical, differences, digest
from app.merges.present import MergeShown, PlanShown, show_merge, show_plan
from app.merges.problems import (
    AcknowledgementMissing,
    CardFrozen,
    CardLocked,
    ClaimPending,
    MergeAlreadyAccepted,
    MergeAlreadyConfirmed,
    MergeAlreadyOpen,
    MergeNotAllowed,
    MergeNotReported,
    MergePlanStale,
    MergeUnknown,
)
from app.merges.propose import WRITE
from app.merges.prove import Confirmation, keep_proven
from app.merges.select import refuse_unless_acknowledged, refuse_unless_allowed
from app.merges.state import refuse_unless_reported
from app.platform.clock import jakarta_day
from app.platform.database import Connection
from app.platform.jobs import Doorbell
from app.platform.sql import load
from app.settings import Settings

ACCEPT = load("merges/accept")
REFUSALS = (
    CardFrozen,
    CardLocked,
    ClaimPending,
    MergeAlreadyAccepted,
    MergeAlreadyConfirmed,
    MergeAlreadyOpen,
    MergeNotAllowed,
    MergeNotReported,
    MergeUnknown,
)


class AcceptancePlan(msgspec.Struct, frozen=True):
    """What is to be confirmed, and until when it is good."""

    plan: PlanShown
    plan_digest: str
    plan_expires_at: datetime


@post(
    "/v1/merges/{merge_id:uuid}/accept/plan",
    status_code=200,
    opt={"problems": REFUSALS},
    tags=["merges"],
)
async def plan_accept(
    merge_id: FromPath[UUID],
    connection: NamedDependency[Connection],
    now: NamedDependency[datetime],
    who: NamedDependency[SignedIn],
    settings: NamedDependency[Settings],
) -> AcceptancePlan:
    """What agreeing to a reported merge would do, good for 15 minutes: the balance moves, and nothing else is undone."""
    cards = await lock_cards(connection, who.participant_id)
    merge = await read_merge(connection, who.participant_id, merge_id)
    plan = await _judge(connection, who, merge, cards, now)
    until = await _keep_plan(connection, who.participant_id, plan, settings, now)
    return AcceptancePlan(show_plan(plan, who.locale, now), digest(canonical(plan)), until)


@post(
    "/v1/merges/{merge_id:uuid}/accept",
    status_code=200,
    opt={
        "problems": (
            *REFUSALS,
            AcknowledgementMissing,
            ChallengeExpired,
            ChallengeSpent,
            HoldInForce,
            MergePlanStale,
            ProofInvalid,
        )
    },
    tags=["merges"],
)
async def accept(
    merge_id: FromPath[UUID],
    data: JSONBody[Confirmation],
    connection: NamedDependency[Connection],
    now: NamedDependency[datetime],
    doorbell: NamedDependency[Doorbell],
    who: NamedDependency[SignedIn],
    settings: NamedDependency[Settings],
) -> MergeShown:
    """Agrees to a reported merge, with a proof over exactly its plan.

    The confirmation is kept here and carried out at once by the worker, as every confirmation is: the state becomes
    `accepted` within a second, and an open case about the merge ends. It cannot be undone.
    """
    cards = await lock_cards(connection, who.participant_id)
    merge = await read_merge(connection, who.participant_id, merge_id)
    plan = await _judge(connection, who, merge, cards, now)
    await _refuse_stale_plan(connection, who, merge, plan, data.plan_digest, settings, now)
    refuse_unless_acknowledged(plan.to_acknowledge, data.acknowledged)

    confirmation_id = await keep_proven(connection, who, merge_id, data, purpose="accept", settings=settings, now=now)
    actor = str(who.key_id)
    cause_id = await connection.fetchval(WRITE["cause"], who.participant_id, "participant", actor, None, merge_id)
    await connection.execute(ACCEPT["confirm"], who.participant_id, merge_id, confirmation_id, now, cause_id)
    doorbell.ring(who.participant_id, who.lane)
    doorbell.ring_job("settle_merges")
    return show_merge(await read_merge(connection, who.participant_id, merge_id), who.locale, now)


async def _judge(connection: Connection, who: SignedIn, merge: Merge, cards: Sequence[Card], now: datetime) -> Plan:
    """The plan for the cards as they stand. Raises what speaks against it."""
    refuse_unless_reported(merge)
    if merge.confirmation_id is not None:
        raise MergeAlreadyConfirmed(merge_id=merge.merge_id, executes_at=merge.executes_at)
    (absorbed,), into = pick(cards, merge)
    standing = await connection.fetchrow(ACCEPT["standing"], who.participant_id, merge.merge_id)
    if standing and standing["blocked_by"]:
        raise MergeAlreadyOpen(merge_id=standing["blocked_by"])
    thawed = standing["thawed"] if standing else []
    day = jakarta_day(now)
    refuse_unless_allowed(judge_acceptance(merge.merge_id, absorbed, into, thawed, day), [absorbed, into])
    return plan_acceptance(merge.merge_id, absorbed, into, thawed, day)


async def _keep_plan(
    connection: Connection, participant_id: UUID, plan: Plan, settings: Settings, now: datetime
) -> datetime:
    shown = canonical(plan)
    until = now + timedelta(seconds=settings.plan_ttl_s)
    await connection.execute(WRITE["keep_plan"], participant_id, plan.merge_id, digest(shown), shown, now)
    await connection.execute(ACCEPT["renew_plan"], participant_id, plan.merge_id, digest(shown), until)
    return until


async def _refuse_stale_plan(
    connection: Connection,
    who: SignedIn,
    merge: Merge,
    plan: Plan,
    confirmed_digest: str,
    settings: Settings,
    now: datetime,
) -> None:
    fresh = digest(canonical(plan))
    expired = merge.plan_expires_at is None or merge.plan_expires_at <= now
    if confirmed_digest == merge.plan_digest == fresh and not expired:
        return
    until = await _keep_plan(connection, who.participant_id, plan, settings, now)
    raise MergePlanStale(
        plan=show_plan(plan, who.locale, now),
        plan_digest=fresh,
        plan_expires_at=until,
        diff=differences(merge.plan, plan) if merge.plan else [],
    )
