"""Tells an announcement to its audience, chunk by chunk, each in a transaction of its own.

How far it has come is written with the entries: a worker that was killed is followed by any other, and nobody is told twice.
Announcements under way take turns, so that one to a few does not wait for one to all.
"""

from __future__ import annotations

import time

from app.platform.database import LOST_RACES, Pool
from app.platform.jobs import Doorbell, Jobs
from app.platform.sql import load

SQL = load("announcements/publish")
AT_ONCE = 500
"""People in one transaction: their heads are locked for some 100 ms."""
WINDOW = 20_000
"""People among whom a chunk is looked for, so that a small employer is found in bounded time."""
ROUND_S = 5.0


async def publish(pool: Pool, jobs: Jobs, *, at_once: int = AT_ONCE, window: int = WINDOW) -> int:
    """Tells for some seconds, or until all are told, and returns how many people were. Rings after each chunk."""
    told, until = 0, time.monotonic() + ROUND_S
    while time.monotonic() < until:
        running = await pool.fetch(SQL["running"])
        if not running:
            break
        for row in running:
            try:
                people = await pool.fetch(SQL["some"], row["announcement_id"], at_once, window)
            except LOST_RACES:  # the whole chunk was undone; it is looked for again in the next turn
                continue
            doorbell = Doorbell()
            for person in people:
                doorbell.ring(person["participant_id"], person["lane"])
            told += len(people)
            await jobs.ring(doorbell)
    return told
