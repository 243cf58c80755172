"""Looks after merges that wait for the core: told when it takes long, sent back when they no longer are what was confirmed."""

from __future__ import annotations

from datetime import timedelta

import structlog

from app.merges.execute import look_at_waiting
from app.merges.unanswered import count_waiting, tell_unanswered
from app.platform.database import Pool
from app.platform.jobs import Jobs
from app.settings import Settings

log = structlog.get_logger()

NEVER_S = 10**9


async def look_at_waiting_merges(pool: Pool, settings: Settings, jobs: Jobs) -> None:
    """Rings for those who were told. `merges_wait_for_core` is a gauge, and an alarm where `unanswered` is not 0."""
    await jobs.ring(await look_at_waiting(pool, settings))
    await jobs.ring(await tell_unanswered(pool, settings))
    for found in await count_waiting(pool, timedelta(seconds=settings.merge_answer_s or NEVER_S)):
        tell = log.error if found.unanswered else log.info
        tell(
            "merges_wait_for_core",
            state=found.state,
            waiting=found.waiting,
            unanswered=found.unanswered,
            since=found.since.isoformat(),
        )
