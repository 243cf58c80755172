"""The posting of a run, chunk after chunk, each a transaction of its own: killed anywhere, it goes on where it stands."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import asyncpg

from app.bulk.run import SQL

CHUNK_ROWS = 5_000
CHUNKS_A_SECOND_WHEN_PACED = 2
LOST_RACES = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.LockNotAvailableError)
AGAIN_AFTER_S = 0.2
LONGEST_PAUSE_S = 5.0


async def post(
    connection: Any, run_id: UUID, *, pace: int | None = None, told: Callable[[int], None] = lambda _: None
) -> str | None:
    """Posts until nothing is left, or the run is paused: the state that it came to; None when another session has it.

    At most `pace` rows a second, in chunks so small that nobody waits long for a head that is locked. A chunk that loses a
    race for a lock is repeated. `told` gets the rows settled by each chunk.
    """
    rows = CHUNK_ROWS if pace is None else max(1, min(CHUNK_ROWS, pace // CHUNKS_A_SECOND_WHEN_PACED))
    losses = 0
    while True:
        began = time.monotonic()
        try:
            (chunk,) = await connection.fetch(SQL["settle_chunk"], run_id, rows)
        except LOST_RACES:
            losses += 1
            await asyncio.sleep(min(AGAIN_AFTER_S * losses, LONGEST_PAUSE_S))
            continue
        losses = 0
        settled: int = chunk["settled"] or 0
        state: str | None = chunk["state"]
        if settled:
            told(settled)
        if state != "running":
            return state
        if pace is not None:
            await asyncio.sleep(max(0.0, settled / pace - (time.monotonic() - began)))
