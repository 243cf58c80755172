"""Tells announcements to those they are for."""

from __future__ import annotations

import structlog

from app.announcements.publish import publish
from app.platform.database import Pool
from app.platform.jobs import Jobs

log = structlog.get_logger()


async def publish_announcements(pool: Pool, jobs: Jobs) -> None:
    """A few seconds of it: the sweep rings again until all are told."""
    told = await publish(pool, jobs)
    if told:
        log.info("announced", people=told)
