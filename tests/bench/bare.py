"""The limit of the stack: the same statement, asyncpg, Litestar and encoding, and nothing else. And one INSERT, committed."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

from litestar import Litestar, get, post
from litestar.params import JSONBody

from app.cards.card import Card, from_row
from app.platform import database
from app.platform.sql import statement

OVERVIEW = statement("cards/overview")
ME = UUID(os.environ.get("BENCH_PARTICIPANT", "0" * 32))
TABLE = (
    "CREATE TABLE bench_rows (row_id uuid PRIMARY KEY, body jsonb NOT NULL); GRANT INSERT ON bench_rows TO sepakat_api"
)
INSERT = "INSERT INTO bench_rows (row_id, body) VALUES ($1, $2)"


def create() -> Litestar:
    """Two routes without any check."""
    pools: list[database.Pool] = []

    @asynccontextmanager
    async def connected(_: Litestar) -> AsyncIterator[None]:
        url = os.environ["SEPAKAT_DATABASE_URL"]
        # Entered once for each connection: the limit does without a transaction.
        entered = f"{url}{'&' if '?' in url else '?'}app.participant_id={ME}"
        pools.append(await database.connect(entered, size=10, application="bench"))
        yield
        await pools[0].close()

    @get("/cards")
    async def cards() -> list[Card]:
        return [from_row(row) for row in await pools[0].fetch(OVERVIEW, ME)]

    @post("/rows", status_code=200)
    async def rows(data: JSONBody[dict[str, Any]]) -> dict[str, Any]:
        async with pools[0].acquire() as connection, connection.transaction():
            await connection.execute(INSERT, uuid4(), data)
        return data

    return Litestar([cards, rows], lifespan=[connected], openapi_config=None)
