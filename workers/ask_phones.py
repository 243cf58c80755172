"""Ask living phones about new ones that want to be added, before any code goes out.

The request that asks to be enrolled writes no entry itself: whoever sends it would learn by its time that there is somebody
to ask.
"""

from __future__ import annotations

from app.platform.database import Pool
from app.platform.jobs import Doorbell, Jobs
from app.platform.sql import load

SQL = load("identity/ask_phones")
BATCH = 50
ASKS_PER_DAY = 20
"""A person who is asked more often than that is being worn down: the others wait in the list without a push."""


async def ask_phones(pool: Pool, jobs: Jobs) -> int:
    """Writes an entry for each enrolment that a living phone can answer, and returns how many were told."""
    told = 0
    while True:
        doorbell = Doorbell()
        rows = await pool.fetch(SQL["to_ask"], BATCH)
        for row in rows:
            if await pool.fetchval(SQL["ask"], row["participant_id"], row["enrolment_id"], ASKS_PER_DAY):
                doorbell.ring(row["participant_id"], row["lane"])
                told += 1
        await jobs.ring(doorbell)
        if len(rows) < BATCH:
            return told
