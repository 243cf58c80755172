"""Posts the runs of money that somebody let be posted, the oldest first. Each chunk is a transaction of its own."""

from __future__ import annotations

import structlog

from app.bulk.post import post
from app.bulk.run import SQL
from app.platform.database import Pool

log = structlog.get_logger()


async def post_bulk(pool: Pool) -> None:
    """Until nothing is left to post. Other workers, and a command, may post the same run beside it."""
    for run in await pool.fetch(SQL["running"]):
        state = await post(pool, run["run_id"])
        log.info("bulk_run_rests", run=str(run["run_id"]), state=state)
