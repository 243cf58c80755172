"""Carries out a confirmed acceptance of a reported merge. Called by the worker, which believes nothing it has not verified."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from app.merges import plan as plans
from app.merges.accept_plan import judge_acceptance, plan_acceptance
from app.merges.load import Merge, pick
from app.merges.merge import Card
from app.merges.plan import Plan, canonical, differences, digest
from app.merges.propose import WRITE
from app.merges.verify import doubt_confirmation
from app.platform.clock import jakarta_day
from app.platform.database import Connection
from app.platform.sql import load
from app.settings import Settings

ACCEPT = load("merges/accept")


async def execute_acceptance(
    connection: Connection, participant_id: UUID, merge: Merge, cards: Sequence[Card], settings: Settings, now: datetime
) -> None:
    """Makes a reported merge an agreed one, exactly as confirmed; or takes the confirmation back and says why."""
    (absorbed,), into = pick(cards, merge)
    standing = await connection.fetchrow(ACCEPT["standing"], participant_id, merge.merge_id)
    thawed = standing["thawed"] if standing else []
    plan = plan_acceptance(merge.merge_id, absorbed, into, thawed, jakarta_day(now))
    reasons = judge_acceptance(merge.merge_id, absorbed, into, thawed, jakarta_day(now)).reasons
    if standing and standing["blocked_by"]:
        reasons = ["merge_already_open", *reasons]

    refusal = await doubt_confirmation(connection, participant_id, merge, purpose="accept", settings=settings)
    if refusal is not None:
        pass  # nothing that was not agreed to is carried out, whatever the plan says
    elif reasons:
        refusal = reasons[0]
    elif canonical(plan) != merge.canonical:
        refusal = "merge_plan_stale"
    else:
        try:
            async with connection.transaction():
                await connection.execute(ACCEPT["execute"], participant_id, merge.merge_id)
        except asyncpg.CheckViolationError as error:
            if error.constraint_name == "merges_are_paused":
                return  # it waits, as confirmed as before
            refusal = error.constraint_name or "check_violation"
    if refusal is not None:
        await _take_back(connection, participant_id, merge, plan, refusal, now)


async def _take_back(
    connection: Connection, participant_id: UUID, merge: Merge, plan: Plan, refusal: str, now: datetime
) -> None:
    """The merge stays reported or disputed, with a fresh plan and the reason; its entry tells the participant."""
    shown = canonical(plan)
    confirmed = plans.read(merge.canonical) if merge.canonical else plan
    last_refusal = {
        "code": refusal,
        "diff": msgspec.to_builtins(differences(confirmed, plan)),
        "at": now.isoformat(),
    }
    await connection.execute(WRITE["keep_plan"], participant_id, merge.merge_id, digest(shown), shown, now)
    cause_id = await connection.fetchval(WRITE["cause"], participant_id, "system", "worker", refusal, merge.merge_id)
    await connection.execute(
        ACCEPT["refuse"], participant_id, merge.merge_id, digest(shown), now, last_refusal, cause_id
    )
