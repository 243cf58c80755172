"""Executes confirmed merges whose cooling-off is over, or hands them to the core, and expires proposals. Called by the worker.

The worker may not write confirmations. It verifies the stored one again (seal, statement, signature), derives the plan
again from the locked cards, and only then calls the database's function, which checks digest, cards and totals itself. Any
difference sends the merge back to `proposed`, with the reason. What was handed to the core is looked at again while it waits:
it is executed by the core's report (app/feed/apply_due.py), and only while it is what was confirmed.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import structlog

from app.merges import plan as plans
from app.merges.execute_accept import execute_acceptance
from app.merges.load import Merge, lock_cards, pick, read_merge
from app.merges.merge import judge
from app.merges.plan import Plan, canonical, differences, digest, make_plan
from app.merges.propose import WRITE
from app.merges.verify import doubt_confirmation
from app.platform.clock import jakarta_day
from app.platform.database import Connection, Pool, transaction
from app.platform.jobs import Doorbell
from app.platform.sql import load, statement
from app.settings import Settings

log = structlog.get_logger()

EXECUTE = load("merges/execute")
PAUSED = statement("merges/pause", "paused")
BATCH = 100
NOT_NOW = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError)


class Refusal(msgspec.Struct, frozen=True):
    """Why a confirmed merge was not executed."""

    code: str
    diff: list[Any]


async def settle(pool: Pool, settings: Settings) -> Doorbell:
    """Settles what is due, each merge in its own transaction. Returns who has new history; ring it."""
    return await _settle_all(pool, settings, EXECUTE["due"])


async def look_at_waiting(pool: Pool, settings: Settings) -> Doorbell:
    """Sends back what waits for the core's report, and is no longer as confirmed, or waits too long. Else like `settle`."""
    return await _settle_all(pool, settings, EXECUTE["waiting"], timedelta(seconds=settings.merge_report_s))


async def _settle_all(pool: Pool, settings: Settings, query: str, *more: timedelta) -> Doorbell:
    doorbell = Doorbell()
    behind = (datetime.min.replace(tzinfo=UTC), UUID(int=0))
    while rows := await pool.fetch(query, BATCH, *behind, *more):
        await _settle_batch(pool, settings, rows, doorbell)
        behind = (rows[-1]["due_at"], rows[-1]["merge_id"])
    return doorbell


async def _settle_batch(pool: Pool, settings: Settings, rows: list[asyncpg.Record], doorbell: Doorbell) -> None:
    for row in rows:
        try:
            async with transaction(pool, wait_s=settings.pool_wait_s) as connection:
                await _settle_one(connection, row["participant_id"], row["merge_id"], settings)
        except NOT_NOW:
            log.info("merge_settles_later", merge_id=str(row["merge_id"]))
        except Exception:
            log.exception("merge_not_settled", merge_id=str(row["merge_id"]))
        else:
            doorbell.ring(row["participant_id"], row["lane"])


async def _settle_one(connection: Connection, participant_id: UUID, merge_id: UUID, settings: Settings) -> None:
    cards = await lock_cards(connection, participant_id)
    merge = await read_merge(connection, participant_id, merge_id)
    now = await connection.fetchval(EXECUTE["now"])
    if merge.state == "proposed" and merge.expires_at and merge.expires_at <= now:
        cause_id = await _cause(connection, participant_id, merge_id, "the proposal was not answered in time")
        await connection.execute(WRITE["close"], participant_id, merge_id, "expired", now, cause_id)
        return
    if await connection.fetchrow(PAUSED):
        return  # it stays as it is, and is due again after the pause
    if merge.state in ("reported", "disputed") and merge.confirmation_id:
        await execute_acceptance(connection, participant_id, merge, cards, settings, now)
        return
    if merge.state != "confirmed" or not merge.executes_at or merge.executes_at > now or merge.canonical is None:
        return  # cancelled, or settled by another worker, between the look and the lock

    confirmed = plans.read(merge.canonical)
    absorb, into = pick(cards, merge)
    judgement = judge(absorb, into, day=jakarta_day(now), ours=merge_id)
    # The durations are those that were confirmed: a changed setting does not undo an agreement.
    plan = make_plan(
        merge_id,
        absorb,
        into,
        judgement,
        cooling_off_s=confirmed.cooling_off_s,
        undo_window_s=confirmed.undo_window_s,
    )
    refusal = await _find_refusal(connection, participant_id, merge, confirmed, plan, judgement.reasons, settings)
    if refusal is None and merge.core == "pending":
        if merge.executes_at + timedelta(seconds=settings.merge_report_s) > now:
            return  # the core has it
        refusal = Refusal("core_silent", [])
    if refusal is None:
        carry_out = (
            (WRITE["hand_over"],) if settings.merge_execution == "core" else (WRITE["execute"], confirmed.undo_window_s)
        )
        try:
            async with connection.transaction():
                await connection.execute(carry_out[0], participant_id, merge_id, *carry_out[1:])
        except asyncpg.CheckViolationError as error:
            refusal = Refusal(error.constraint_name or "check_violation", [])
    if refusal is not None:
        await _send_back(connection, participant_id, merge_id, plan, refusal, settings, now)


async def _find_refusal(
    connection: Connection,
    participant_id: UUID,
    merge: Merge,
    confirmed: Plan,
    plan: Plan,
    reasons: list[str],
    settings: Settings,
) -> Refusal | None:
    doubt = await doubt_confirmation(connection, participant_id, merge, purpose="merge", settings=settings)
    if doubt is not None:
        return Refusal(doubt, [])
    if reasons:
        return Refusal(reasons[0], msgspec.to_builtins(differences(confirmed, plan)))
    if canonical(plan) != merge.canonical:
        return Refusal("merge_plan_stale", msgspec.to_builtins(differences(confirmed, plan)))
    return None


async def _send_back(
    connection: Connection,
    participant_id: UUID,
    merge_id: UUID,
    plan: Plan,
    refusal: Refusal,
    settings: Settings,
    now: datetime,
) -> None:
    """Back to `proposed`, with a fresh plan and the reason; the participant is told by the entry of this step."""
    fresh = _make_fresh(plan, settings)
    shown = canonical(fresh)
    await connection.execute(WRITE["keep_plan"], participant_id, merge_id, digest(shown), shown, now)
    last_refusal = {"code": refusal.code, "diff": refusal.diff, "at": now.isoformat()}
    cause_id = await _cause(connection, participant_id, merge_id, refusal.code)
    await connection.execute(WRITE["refuse"], participant_id, merge_id, digest(shown), now, last_refusal, cause_id)


def _make_fresh(plan: Plan, settings: Settings) -> Plan:
    """The same plan with the durations in force now. Pure."""
    return msgspec.structs.replace(
        plan, cooling_off_s=settings.merge_cooling_off_s, undo_window_s=settings.merge_undo_window_s
    )


async def _cause(connection: Connection, participant_id: UUID, merge_id: UUID, reason: str) -> UUID:
    cause_id: UUID = await connection.fetchval(WRITE["cause"], participant_id, "system", "worker", reason, merge_id)
    return cause_id
