"""What tests of several processes begin with."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest
import pytest_asyncio

from app.local.servers import Postgres, Valkey
from tests.api_process import api_process
from tests.conftest import Database, settings_for

PROCESSES = int(os.environ.get("PROCESSES", "2"))


@pytest_asyncio.fixture(scope="session")
async def processes(
    database: Database, servers: tuple[Postgres, Valkey], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Clients of the API's processes over one database, without the coarse limits, which would let less through."""
    settings = settings_for(database, servers[1], "sepakat_api")
    folder = tmp_path_factory.mktemp("api")
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(api_process(settings, folder / f"api-{number}.log"))
            for number in range(PROCESSES)
        ]
