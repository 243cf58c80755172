"""Opens cases about people whom nothing reached, tells whose case is late, and says in the log how many wait."""

from __future__ import annotations

import msgspec
import structlog

from app.cases import overdue, unreached
from app.platform.database import Pool
from app.platform.jobs import Jobs

log = structlog.get_logger()


async def tell_overdue_cases(pool: Pool, jobs: Jobs) -> None:
    """Rings for those who were told. The line `cases_open` is a gauge: whoever operates this watches `overdue`."""
    await jobs.ring(await unreached.keep_unreached(pool))
    await jobs.ring(await overdue.tell_overdue(pool))
    log.info("cases_open", **msgspec.structs.asdict(await overdue.count_open(pool)))
