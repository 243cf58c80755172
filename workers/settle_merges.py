"""Carries out confirmed merges whose cooling-off is over, and ends proposals whose time is."""

from __future__ import annotations

from app.merges.execute import settle
from app.platform.database import Pool
from app.platform.jobs import Jobs
from app.settings import Settings


async def settle_merges(pool: Pool, settings: Settings, jobs: Jobs) -> None:
    """Settles what is due and rings for those who have new history."""
    await jobs.ring(await settle(pool, settings))
