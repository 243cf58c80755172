"""What merges need beside people: the worker, and time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date

import httpx
import pytest
import pytest_asyncio

from app.local.servers import Postgres, Valkey
from app.merges.execute import settle
from app.platform import database as pools
from tests.cases.reports import Reported, reported_merge
from tests.conftest import Database, settings_for
from tests.feed.conftest import Core
from tests.merges.merged import NEW, OLD, Merged, jakarta, merge_cards
from tests.people import NewCard, Phone, add_person

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
def core(feed: httpx.AsyncClient, database: Database) -> Core:
    return Core(feed, database)


@pytest_asyncio.fixture
async def reported(api: httpx.AsyncClient, database: Database, core: Core) -> Reported:
    return await reported_merge(api, database, core)


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


@pytest_asyncio.fixture
async def maya(api: httpx.AsyncClient, database: Database, cool_off: Settle) -> Merged:
    person = await add_person(database, OLD, NEW, name="Maya Sari")
    phone = await Phone(api).enrol(person)
    old, new = person.kpjs
    merge = await merge_cards(phone, [old], new, cool_off)
    return Merged(database, person, phone, merge, jakarta(merge["executed_at"]))


@pytest_asyncio.fixture
async def bayu(api: httpx.AsyncClient, database: Database, cool_off: Settle) -> tuple[Merged, Merged]:
    """A → B, then B → C."""
    person = await add_person(
        database,
        NewCard(balance=100, opened_on=date(2010, 1, 1), employer_id="E-A", employer="A"),
        NewCard(balance=20, opened_on=date(2014, 1, 1), employer_id="E-B", employer="B"),
        NewCard(balance=3, status="active", opened_on=date(2020, 1, 1), employer_id="E-C", employer="C"),
        name="Bayu",
    )
    phone = await Phone(api).enrol(person)
    a, b, c = person.kpjs
    first = await merge_cards(phone, [a], b, cool_off)
    day = jakarta(first["executed_at"])
    second = await merge_cards(phone, [b], c, cool_off)
    return (
        Merged(database, person, phone, first, day),
        Merged(database, person, phone, second, jakarta(second["executed_at"])),
    )
