"""Real servers for every test: PostgreSQL and Valkey from their wheels, the apps over ASGI, one event loop for all.

Tests share one database and commit; each makes people of its own, so that none sees another's. A test that moves the
clock, or counts rows, takes `fresh_database`, a clone of the migrated template.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx
import pytest
import pytest_asyncio
from asgi_lifespan import LifespanManager

from app.local.servers import Postgres, Valkey, start_postgres, start_valkey
from app.main import create_api, create_feed
from app.platform.migrations import migrate
from app.settings import Settings

SECRET = "a secret of the tests, longer than thirty-two characters"
FEED_SECRET = "whsec_c2VwYWthdCB0ZXN0cyBmZWVkIHNlY3JldCAwMDAwMA=="
TEMPLATE = "sepakat_template"

OpenDatabase = Callable[[], Awaitable["Database"]]


class Database:
    """One migrated database: its URL for every role."""

    def __init__(self, postgres: Postgres, name: str) -> None:
        self.postgres = postgres
        self.name = name

    def url(self, role: str = "postgres") -> str:
        return self.postgres.url(self.name, role)

    async def connect(self, role: str = "postgres") -> asyncpg.Connection[asyncpg.Record]:
        return await asyncpg.connect(self.url(role))


@pytest.fixture(scope="session")
def servers() -> Iterator[tuple[Postgres, Valkey]]:
    with tempfile.TemporaryDirectory(prefix="sepakat-tests-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # as root, PostgreSQL runs as a user of its own
        postgres = start_postgres(folder, durable=False)
        valkey = start_valkey(folder)
        yield postgres, valkey
        valkey.stop()
        postgres.stop()


@pytest_asyncio.fixture(scope="session")
async def clone(servers: tuple[Postgres, Valkey]) -> OpenDatabase:
    """Makes a migrated database in some 60 ms."""
    postgres, _ = servers
    admin = await asyncpg.connect(postgres.url("postgres", "postgres"))
    await admin.execute(f"CREATE DATABASE {TEMPLATE}")
    await migrate(postgres.url(TEMPLATE, "postgres"))
    template = await asyncpg.connect(postgres.url(TEMPLATE, "postgres"))
    await template.execute("GRANT UPDATE ON local_clock TO sepakat_api")
    await template.close()
    await admin.close()

    async def make() -> Database:
        name = f"test_{uuid4().hex[:12]}"
        connection = await asyncpg.connect(postgres.url("postgres", "postgres"))
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        await connection.close()
        return Database(postgres, name)

    return make


@pytest_asyncio.fixture(scope="session")
async def database(clone: OpenDatabase) -> Database:
    """The database that most tests share."""
    return await clone()


@pytest_asyncio.fixture
async def fresh_database(clone: OpenDatabase) -> Database:
    """A database of this test alone."""
    return await clone()


def settings_for(database: Database, valkey: Valkey, role: str) -> Settings:
    return Settings(
        database_url=database.url(role),
        redis_url=valkey.url,
        secret=SECRET,
        feed_secrets=FEED_SECRET,
        env="local",
        merge_cooling_off_s=20,
    )


class Apps:
    """Clients of the API and of the feed over one database."""

    def __init__(self, database: Database, api: httpx.AsyncClient, feed: httpx.AsyncClient) -> None:
        self.database, self.api, self.feed = database, api, feed


async def _start(database: Database, valkey: Valkey, stack: AsyncExitStack) -> Apps:
    clients = []
    for role, create in (("sepakat_api", create_api), ("sepakat_feed", create_feed)):
        app = create(settings_for(database, valkey, role))
        await stack.enter_async_context(LifespanManager(app))
        transport = httpx.ASGITransport(app=app)
        clients.append(await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://test")))
    return Apps(database, *clients)


@pytest_asyncio.fixture(scope="session")
async def apps(database: Database, servers: tuple[Postgres, Valkey]) -> AsyncIterator[Apps]:
    async with AsyncExitStack() as stack:
        yield await _start(database, servers[1], stack)


@pytest_asyncio.fixture
async def fresh_apps(fresh_database: Database, servers: tuple[Postgres, Valkey]) -> AsyncIterator[Apps]:
    async with AsyncExitStack() as stack:
        yield await _start(fresh_database, servers[1], stack)


@pytest.fixture
def api(apps: Apps) -> httpx.AsyncClient:
    return apps.api


@pytest.fixture
def feed(apps: Apps) -> httpx.AsyncClient:
    return apps.feed
