"""The limit of the stack for "my cards": the same statement, asyncpg, Litestar and encoding, and nothing else."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from litestar import Litestar, get

from app.cards.card import Card, from_row
from app.platform import database
from app.platform.sql import statement

OVERVIEW = statement("cards/overview")
ME = UUID(os.environ.get("BENCH_PARTICIPANT", "0" * 32))


def create() -> Litestar:
    """One route without any check."""
    pools: list[database.Pool] = []

    @asynccontextmanager
    async def connected(_: Litestar) -> AsyncIterator[None]:
        pools.append(await database.connect(os.environ["SEPAKAT_DATABASE_URL"], size=10, application="bench"))
        yield
        await pools[0].close()

    @get("/cards")
    async def cards() -> list[Card]:
        return [from_row(row) for row in await pools[0].fetch(OVERVIEW, ME)]

    return Litestar([cards], lifespan=[connected], openapi_config=None)
