"""What identity needs beside people: the agency's core, an API that asks a living phone first, and API processes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import msgspec
import pytest
import pytest_asyncio
from asgi_lifespan import LifespanManager

from app.local.servers import Postgres, Valkey
from app.main import create_api
from tests.api_process import api_process
from tests.conftest import Apps, Database, settings_for
from tests.feed.conftest import Core

ASK_FIRST_S = 60

ServeApi = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest_asyncio.fixture(scope="session")
async def processes(
    database: Database, servers: tuple[Postgres, Valkey], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Clients of two API processes over one database; the breaker would end the longer runs."""
    settings = msgspec.structs.replace(settings_for(database, servers[1], "sepakat_api"), code_failures_limit=10**9)
    folder = tmp_path_factory.mktemp("api")
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(api_process(settings, folder / f"{number}.log")) for number in (1, 2)]


@pytest.fixture
def core(feed: httpx.AsyncClient, database: Database) -> Core:
    return Core(feed, database)


@pytest.fixture
def fresh_core(fresh_apps: Apps) -> Core:
    return Core(fresh_apps.feed, fresh_apps.database)


@pytest.fixture
def serve_api(servers: tuple[Postgres, Valkey]) -> ServeApi:
    """An API of its own over a database, with other settings than the shared one."""

    @asynccontextmanager
    async def serve(database: Database, **changes: Any) -> AsyncIterator[httpx.AsyncClient]:
        app: Any = create_api(msgspec.structs.replace(settings_for(database, servers[1], "sepakat_api"), **changes))
        async with (
            LifespanManager(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as api,
        ):
            yield api

    return serve


@pytest_asyncio.fixture
async def asking(fresh_database: Database, serve_api: ServeApi) -> AsyncIterator[httpx.AsyncClient]:
    """An API over `fresh_database` that gives a living phone a minute before a code goes out."""
    async with serve_api(fresh_database, ask_first_s=ASK_FIRST_S) as api:
        yield api
