"""Throw away what has served: challenges, enrolments, counts of tries, kept answers, sessions long over."""

from __future__ import annotations

from app.platform.database import Pool
from app.platform.sql import load

SQL = load("identity/sweep")
BATCH = 5000


async def sweep_identity(pool: Pool) -> int:
    """Deletes what is older than 24 hours (sessions: 90 days), in batches, and returns how many rows went."""
    gone = 0
    for delete in SQL.values():
        while batch := await pool.fetchval(delete, BATCH):
            gone += batch
            if batch < BATCH:
                break
    return gone
