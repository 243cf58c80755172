"""Real servers for every test: PostgreSQL and Valkey from their wheels, the apps over ASGI, one event loop for all.

Tests share one database and commit; each makes people of its own, so that none sees another's. The clock of that database
is not the real one. A test that holds it against real days, moves it by many, or counts rows, takes `fresh_database`, a clone
of the migrated template.
"""

from __future__ import annotations

import re
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
import pytest_asyncio
from asgi_lifespan import LifespanManager
from litestar import Litestar

from app.local.servers import Postgres, Valkey, start_postgres, start_valkey
from app.main import create_api, create_feed
from app.merges.undo_seal import pads
from app.platform.migrations import migrate
from app.platform.openapi.answers import problems_of, routes
from app.platform.sealing import add_data_key
from app.platform.signing import add_key
from app.settings import Settings

pytest_plugins = ["tests.browser", "tests.local.running_simulator"]
SECRET = "a secret of the tests, longer than thirty-two characters"
FEED_SECRET = "whsec_c2VwYWthdCB0ZXN0cyBmZWVkIHNlY3JldCAwMDAwMA=="
TEMPLATE = "sepakat_template"
_keys = tempfile.TemporaryDirectory(prefix="sepakat-keys-")
RECEIPT_KEYS = f"{_keys.name}/receipt-keys.pem"
add_key(Path(RECEIPT_KEYS))
DATA_KEYS = f"{_keys.name}/data-keys"
add_data_key(Path(DATA_KEYS))

LONG_FILES = ("tests/workers/", "tests/local/", "tests/story/")

OpenDatabase = Callable[[], Awaitable["Database"]]
_idle: defaultdict[Callable[[Settings], Litestar], list[Litestar]] = defaultdict(list)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first: what is left at the end should be short, so that no process works alone for long."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG_FILES))


class Database:
    """One migrated database: its URL for every role."""

    def __init__(self, postgres: Postgres, name: str) -> None:
        self.postgres = postgres
        self.name = name

    def url(self, role: str = "postgres") -> str:
        return self.postgres.url(self.name, role)

    async def connect(
        self, role: str = "postgres", *, entering: UUID | None = None
    ) -> asyncpg.Connection[asyncpg.Record]:
        """A connection of this role; `entering` a participant for all its transactions, as the API does for one."""
        entered = {"app.participant_id": str(entering)} if entering else {}
        return await asyncpg.connect(self.url(role), server_settings=entered)


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


@pytest.fixture
def own_valkey(tmp_path: Path) -> Iterator[Valkey]:
    """A Valkey of this test alone, which may stop or flush it."""
    valkey = start_valkey(tmp_path)
    yield valkey
    valkey.stop()


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
    worker = await asyncpg.connect(postgres.url(TEMPLATE, "sepakat_worker"))
    await worker.execute("SELECT keep_undo_seal($1, $2)", *pads(SECRET))  # as the worker does when it starts
    await worker.close()
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
    """The database that most tests share. Its clock runs ahead, and further with every test that lets time go by."""
    shared = await clone()
    connection = await shared.connect()
    await connection.execute("UPDATE local_clock SET ahead = '3 days'")
    await connection.close()
    return shared


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
        receipt_keys=RECEIPT_KEYS,
        data_keys=DATA_KEYS,
        documents=str(database.postgres.data.parent / "documents"),
        env="local",
        limits="off",
        merge_cooling_off_s=20,
        ask_first_s=0,
    )


class Apps:
    """Clients of the API and of the feed over one database."""

    def __init__(self, database: Database, api: httpx.AsyncClient, feed: httpx.AsyncClient) -> None:
        self.database, self.api, self.feed = database, api, feed


Documented = list[tuple[str, re.Pattern[str], set[str]]]


def _documented(app: Litestar) -> Documented:
    """Every route of an app, with the codes that its description says it may answer."""
    found = []
    for method, path, handler in routes(app):
        problems = problems_of(app, method, path, handler)
        pattern = re.compile(re.sub(r"\{\w+\}", "[^/]+", path))
        found.append((method, pattern, {problem.code for problem in problems}))
    return found


def _check_documented(documented: Documented) -> Callable[[httpx.Response], Awaitable[None]]:
    """Fails the test whose request is refused with a code that the description of the route does not name."""

    async def check(response: httpx.Response) -> None:
        if response.headers.get("content-type") != "application/problem+json":
            return
        code = (await response.aread()) and response.json()["code"]
        request = response.request
        matching = [
            codes
            for method, pattern, codes in documented
            if method == request.method and pattern.fullmatch(request.url.path)
        ]
        assert not matching or any(code in codes for codes in matching), f"{request.method} {request.url.path}: {code}"

    return check


async def serve(app: Litestar, stack: AsyncExitStack) -> httpx.AsyncClient:
    """Starts an app, and gives a client of it, until the stack closes."""
    asgi = cast("Any", app)
    await stack.enter_async_context(LifespanManager(asgi))
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(app=asgi),
        base_url="http://test",
        event_hooks={"response": [_check_documented(_documented(app))]},
    )
    return await stack.enter_async_context(client)


@contextmanager
def _lent(create: Callable[[Settings], Litestar], settings: Settings) -> Iterator[Litestar]:
    """An app that serves nobody now: to make one anew costs more than most tests. Only their databases differ."""
    app = _idle[create].pop() if _idle[create] else create(settings)
    app.state.settings = settings  # what it is connected to when it starts
    yield app
    _idle[create].append(app)


async def _start(database: Database, valkey: Valkey, stack: AsyncExitStack) -> Apps:
    api = stack.enter_context(_lent(create_api, settings_for(database, valkey, "sepakat_api")))
    feed = stack.enter_context(_lent(create_feed, settings_for(database, valkey, "sepakat_feed")))
    return Apps(database, await serve(api, stack), await serve(feed, stack))


@pytest_asyncio.fixture(scope="session")
async def apps(database: Database, servers: tuple[Postgres, Valkey]) -> AsyncIterator[Apps]:
    async with AsyncExitStack() as stack:
        yield await _start(database, servers[1], stack)


@pytest_asyncio.fixture
async def fresh_apps(fresh_database: Database, servers: tuple[Postgres, Valkey]) -> AsyncIterator[Apps]:
    async with AsyncExitStack() as stack:
        yield await _start(fresh_database, servers[1], stack)


@pytest_asyncio.fixture(scope="module")
async def own_database(clone: OpenDatabase) -> Database:
    """A database of one file of tests, which may move the clock by days."""
    return await clone()


@pytest_asyncio.fixture(scope="module")
async def own_apps(own_database: Database, servers: tuple[Postgres, Valkey]) -> AsyncIterator[Apps]:
    async with AsyncExitStack() as stack:
        yield await _start(own_database, servers[1], stack)


@pytest.fixture
def api(apps: Apps) -> httpx.AsyncClient:
    return apps.api


@pytest.fixture
def feed(apps: Apps) -> httpx.AsyncClient:
    return apps.feed
