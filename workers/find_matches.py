"""Looks at identities that are new or were corrected: cards of others may be theirs."""

from __future__ import annotations

import structlog

from app.matches import find
from app.platform.database import Pool
from app.platform.jobs import Jobs
from app.settings import Settings

log = structlog.get_logger()


async def find_matches(pool: Pool, settings: Settings, jobs: Jobs) -> None:
    """Suggests what is found and rings for those who have new history."""
    suggested, doorbell = await find.find_matches(pool, settings)
    await jobs.ring(doorbell)
    if suggested:
        log.info("cards_suggested", cards=suggested)
