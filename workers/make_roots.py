"""Makes the next signed root over all histories when one is due."""

from __future__ import annotations

import structlog

from app.history.roots import make_root
from app.platform.database import Pool, transaction
from app.platform.signing import read_signing_keys
from app.settings import Settings

log = structlog.get_logger()


async def make_roots(pool: Pool, settings: Settings) -> None:
    """At most one root an hour, whichever worker comes first."""
    async with transaction(pool, wait_s=settings.pool_wait_s) as connection:
        number = await make_root(connection, read_signing_keys(settings.receipt_keys))
    if number is not None:
        log.info("root_made", number=number)
