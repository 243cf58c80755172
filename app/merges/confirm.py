"""POST /v1/merges/{id}/confirmation: the participant agrees to exactly this plan, with the key of this phone."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from litestar import post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.identity.problems import ChallengeExpired, ChallengeSpent, HoldInForce, ProofInvalid
from app.identity.session import SignedIn
from app.merges.load import Merge, lock_cards, pick, read_merge
from app.merges.merge import judge
from app.merges.plan import Plan, differences, digest
from app.merges.plan import canonical as canonical_plan
from app.merges.present import MergeShown, show_merge, show_plan
from app.merges.problems import (
    AcknowledgementMissing,
    CardFrozen,
    CardLocked,
    ClaimPending,
    MergeAlreadyConfirmed,
    MergeAlreadyExecuted,
    MergeAlreadyOpen,
    MergeClosed,
    MergeExpired,
    MergeNotAllowed,
    MergePlanStale,
    MergeSuperseded,
    MergeUnknown,
)
from app.merges.propose import WRITE
from app.merges.prove import Confirmation, keep_proven
from app.merges.renew_plan import keep_fresh_plan, plan_now
from app.merges.select import refuse_unless_acknowledged, refuse_unless_allowed
from app.merges.state import refuse_unless_proposed
from app.platform.clock import jakarta_day
from app.platform.database import Connection
from app.platform.jobs import Doorbell
from app.settings import Settings


@post(
    "/v1/merges/{merge_id:uuid}/confirmation",
    status_code=200,
    opt={
        "problems": (
            AcknowledgementMissing,
            CardFrozen,
            CardLocked,
            ChallengeExpired,
            ChallengeSpent,
            ClaimPending,
            HoldInForce,
            MergeAlreadyConfirmed,
            MergeAlreadyExecuted,
            MergeAlreadyOpen,
            MergeClosed,
            MergeExpired,
            MergeNotAllowed,
            MergePlanStale,
            MergeSuperseded,
            MergeUnknown,
            ProofInvalid,
        )
    },
    tags=["merges"],
)
async def confirm(
    merge_id: FromPath[UUID],
    data: JSONBody[Confirmation],
    connection: NamedDependency[Connection],
    now: NamedDependency[datetime],
    doorbell: NamedDependency[Doorbell],
    who: NamedDependency[SignedIn],
    settings: NamedDependency[Settings],
) -> MergeShown:
    """Confirms a merge. It executes after the cooling-off, and can be cancelled until then.

    Refused when the plan is not the one that holds now (409 `merge_plan_stale` with the fresh plan), when a warning is not
    acknowledged, when the challenge or the proof does not hold, or when this key is on hold.
    """
    cards = await lock_cards(connection, who.participant_id)
    merge = await read_merge(connection, who.participant_id, merge_id)
    refuse_unless_proposed(merge, now)
    absorb, into = pick(cards, merge)
    refuse_unless_allowed(judge(absorb, into, day=jakarta_day(now), ours=merge_id), [*absorb, into])

    plan = plan_now(merge_id, absorb, into, settings, now)
    await _refuse_stale_plan(connection, who, merge, plan, data.plan_digest, settings, now)
    refuse_unless_acknowledged(plan.to_acknowledge, data.acknowledged)

    await _keep_proven(connection, who, merge_id, data, settings, now)
    doorbell.ring(who.participant_id, who.lane)
    return show_merge(await read_merge(connection, who.participant_id, merge_id), who.locale, now)


async def _refuse_stale_plan(
    connection: Connection,
    who: SignedIn,
    merge: Merge,
    plan: Plan,
    confirmed_digest: str,
    settings: Settings,
    now: datetime,
) -> None:
    """What was confirmed must be what was shown, and what was shown must be what holds now and not too old."""
    fresh = digest(canonical_plan(plan))
    expired = merge.plan_expires_at is None or merge.plan_expires_at <= now
    if confirmed_digest == merge.plan_digest == fresh and not expired:
        return
    until = await keep_fresh_plan(connection, who.participant_id, plan, settings, now)
    raise MergePlanStale(
        plan=show_plan(plan, who.locale, now),
        plan_digest=fresh,
        plan_expires_at=until,
        diff=differences(merge.plan, plan) if merge.plan else [],
    )


async def _keep_proven(
    connection: Connection, who: SignedIn, merge_id: UUID, data: Confirmation, settings: Settings, now: datetime
) -> None:
    """Spends the challenge, checks the proof, and writes the confirmation with the step that it allows."""
    confirmation_id = await keep_proven(connection, who, merge_id, data, purpose="merge", settings=settings, now=now)
    actor = str(who.key_id)
    cause_id = await connection.fetchval(WRITE["cause"], who.participant_id, "participant", actor, None, merge_id)
    executes_at = now + timedelta(seconds=settings.merge_cooling_off_s)
    await connection.execute(
        WRITE["confirm"], who.participant_id, merge_id, confirmation_id, now, executes_at, cause_id
    )
