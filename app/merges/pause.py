"""Stops all executions at once, and lets them go on: `sepakat merges pause --reason TEXT` and `sepakat merges resume`.

Nothing is lost: a confirmed merge that comes due stays confirmed, can still be cancelled, and is executed after the pause.
"""

from __future__ import annotations

from datetime import datetime

import asyncpg
import msgspec
from litestar.di import NamedDependency

from app.platform.capabilities import Paused
from app.platform.database import Connection
from app.platform.sql import load

SQL = load("merges/pause")
REASON_MAX_CHARACTERS = 500


async def pause(admin_url: str, reason: str) -> datetime:
    """Pauses, as soon as the executions under way have ended, and returns since when. Paused already: the new reason counts.

    The URL is an administrator's: no role of the product may pause or resume. Raises ValueError for a reason that is
    empty or longer than 500 characters.
    """
    if not 0 < len(reason.strip()) <= REASON_MAX_CHARACTERS:
        raise ValueError(f"the reason has 1 to {REASON_MAX_CHARACTERS} characters: participants read it")
    connection = await asyncpg.connect(admin_url)
    try:
        async with connection.transaction():
            await connection.execute(SQL["hold_executions"])
            since: datetime = await connection.fetchval(SQL["pause"], reason.strip())
            return since
    finally:
        await connection.close()


async def resume(admin_url: str) -> datetime | None:
    """Ends the pause and returns since when it had been, None when there was none. What is due is executed at once."""
    connection = await asyncpg.connect(admin_url)
    try:
        since: datetime | None = await connection.fetchval(SQL["resume"])
        return since
    finally:
        await connection.close()


async def provide_pause(connection: NamedDependency[Connection]) -> Paused | None:
    """What capabilities say of it."""
    row = await connection.fetchrow(SQL["paused"])
    return None if row is None else msgspec.convert(dict(row), Paused)
