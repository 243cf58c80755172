"""Cases past their 3×24 hours: who waits for an answer is told so, once, and what they can do."""

from __future__ import annotations

import msgspec

from app.platform.database import Connection, Pool
from app.platform.jobs import Doorbell
from app.platform.sql import load

SQL = load("cases/overdue")
AT_ONCE = 100


class Open(msgspec.Struct, frozen=True):
    """How many cases are open now, how many of those past their time, and by how many seconds the latest of them."""

    open: int
    overdue: int
    latest_s: int


async def count_open(connection: Connection | Pool) -> Open:
    """Of all participants."""
    row = await connection.fetchrow(SQL["count"])
    return msgspec.convert(dict(row or {}), Open)


async def tell_overdue(pool: Pool) -> Doorbell:
    """Tells everybody whose case became late, in transactions of some hundred cases. Returns whom to ring for."""
    doorbell = Doorbell()
    while told := await pool.fetch(SQL["tell"], AT_ONCE):
        for row in told:
            doorbell.ring(row["participant_id"], row["lane"])
    return doorbell
