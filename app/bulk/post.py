"""The posting of a run, chunk after chunk, each a transaction of its own: killed anywhere, it goes on where it stands."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

from app.bulk.run import SQL
from app.platform.database import LOST_RACES

CHUNK_ROWS = 5_000
AGAIN_AFTER_S = 0.2
LONGEST_REST_S = 5.0


async def post(connection: Any, run_id: UUID, *, told: Callable[[int], None] = lambda _: None) -> str:
    """Posts until nothing is left, or the run is paused: the state that it came to.

    The pace is the run's own, so that several who post it keep it together, and a new one counts from the next chunk on. A
    chunk that loses a race for a lock is repeated. `told` gets the rows that a chunk settled.
    """
    losses = 0
    while True:
        try:
            (chunk,) = await connection.fetch(SQL["settle_chunk"], run_id, CHUNK_ROWS)
        except LOST_RACES:
            losses += 1
            await asyncio.sleep(min(AGAIN_AFTER_S * losses, LONGEST_REST_S))
            continue
        losses = 0
        state: str | None = chunk["state"]
        told(chunk["settled"] or 0)
        if state is None:  # another session has its chunk under way
            await asyncio.sleep(AGAIN_AFTER_S)
        elif state != "running":
            return state
        else:
            await asyncio.sleep(min(chunk["rest_s"] or 0.0, LONGEST_REST_S))
