"""Looks by itself for what is due: so that a flushed or absent Valkey costs a second, never a message."""

from __future__ import annotations

import asyncio
import time

import asyncpg
import structlog

from app.identity.sweep import sweep_identity
from app.platform.database import Pool
from app.platform.sql import load
from workers.work import Work

log = structlog.get_logger()

SWEEP = load("notifications/sweep")
EVERY_S = 1.0
# A look that took long, over a mountain of parked rows, is not repeated at once; but a killed worker's rows wait for the next.
REST_FACTOR = 10
LONGEST_REST_S = 4.0
TIDY_EVERY_S = 3600.0
# How often a worker looks whether the hourly root is due: another may have made it, and the clock may have been moved.
ROOTS_LOOK_EVERY_S = 60.0
# A clock of three days may be told of half a minute late.
CASES_LOOK_EVERY_S = 30.0


async def sweep(pool: Pool, work: Work) -> None:
    """Rings for all that is due, once a second, until cancelled. Outlives a database that is away."""
    tidied = -TIDY_EVERY_S
    rooted = -ROOTS_LOOK_EVERY_S
    looked_at_cases = -CASES_LOOK_EVERY_S
    while True:
        started = time.monotonic()
        try:
            await _look(pool, work)
            if started - tidied >= TIDY_EVERY_S:
                work.ring("sweep_identity", lambda: _tidy(pool))
                work.ring_documents()
                tidied = started
            if started - rooted >= ROOTS_LOOK_EVERY_S:
                work.ring_roots()
                rooted = started
            if started - looked_at_cases >= CASES_LOOK_EVERY_S:
                work.ring_overdue_cases()
                work.ring_waiting_merges()
                work.ring_held_events()
                looked_at_cases = started
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            log.warning("sweep_cannot_look", error=type(error).__name__)
        await asyncio.sleep(min(max(EVERY_S, REST_FACTOR * (time.monotonic() - started)), LONGEST_REST_S))


async def _look(pool: Pool, work: Work) -> None:
    for row in await pool.fetch(SWEEP["due_lanes"]):
        work.ring_lane(row["lane"], urgent=row["urgent"])
    due = await pool.fetchrow(SWEEP["chores_due"])
    if due is not None and due["merges"]:
        work.ring_merges()
    if due is not None and due["codes"]:
        work.ring_codes()
    if due is not None and due["climbs"]:
        work.ring_ladder()
    if due is not None and due["core_events"]:
        work.ring_core()
    if due is not None and due["identities"]:
        work.ring_matches()
    if due is not None and due["announcements"]:
        work.ring_announcements()
    if due is not None and due["bulk"]:
        work.ring_bulk()


async def _tidy(pool: Pool) -> None:
    gone = await sweep_identity(pool)
    log.info("swept", rows=gone)
