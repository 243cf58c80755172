"""What merges need beside people: the worker, and time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
import pytest_asyncio

from app.local.servers import Postgres, Valkey
from app.merges.execute import settle
from app.platform import database as pools
from tests.conftest import Database, settings_for

Settle = Callable[[], Awaitable[None]]
COOLING_OFF_S = 20


@pytest_asyncio.fixture
async def settle_due(database: Database, servers: tuple[Postgres, Valkey]) -> AsyncIterator[Settle]:
    """What the worker does when it looks for merges that are due, in the worker's role."""
    settings = settings_for(database, servers[1], "sepakat_worker")
    pool = await pools.connect(settings.database_url, size=2, application="test worker")

    async def run() -> None:
        await settle(pool, settings)

    yield run
    await pool.close()


@pytest.fixture
def wait(api: httpx.AsyncClient) -> Callable[[int], Awaitable[None]]:
    """Lets time go by, on the one clock."""

    async def advance(seconds: int) -> None:
        assert (await api.post("/local/clock", json={"advance_s": seconds})).status_code == 200

    return advance


@pytest.fixture
def cool_off(wait: Callable[[int], Awaitable[None]], settle_due: Settle) -> Settle:
    """The cooling-off goes by, and the worker looks."""

    async def run() -> None:
        await wait(COOLING_OFF_S + 1)
        await settle_due()

    return run
