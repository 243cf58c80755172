"""Merges that the core has not answered for: who waits long is told so, once, and it can be seen how many do."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from app.platform.database import Connection, Pool
from app.platform.jobs import Doorbell
from app.platform.sql import load
from app.settings import Settings

SQL = load("merges/unanswered")
AT_ONCE = 100
LONG = timedelta(days=3)
"""What `sepakat merges waiting` calls long: the setting's default."""


class Waiting(msgspec.Struct, frozen=True):
    """Merges in one state whose answer is awaited: handed to the core (`confirmed`), or done here (`executed`, `undone`).

    `unanswered` of them for longer than is usual; `since` of the one that waits longest.
    """

    state: str
    waiting: int
    unanswered: int
    since: datetime


async def count_waiting(connection: Connection | Pool, after: timedelta) -> list[Waiting]:
    """Of all participants."""
    rows = await connection.fetch(SQL["count"], after)
    return [msgspec.convert(dict(row), Waiting) for row in rows]


async def tell_unanswered(pool: Pool, settings: Settings) -> Doorbell:
    """Tells everybody whose wait became long, in transactions of some hundred. Returns whom to ring for."""
    doorbell = Doorbell()
    if not settings.merge_answer_s:
        return doorbell
    after = timedelta(seconds=settings.merge_answer_s)
    while told := await pool.fetch(SQL["tell"], after, AT_ONCE):
        for row in told:
            doorbell.ring(row["participant_id"], row["lane"])
    return doorbell
