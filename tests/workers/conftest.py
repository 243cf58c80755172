"""A simulator of FCM and Push Kit, people with phones that it reaches, and a lane's drain in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest
import pytest_asyncio
from msgspec import structs

from app.local.servers import Postgres, Valkey
from app.notifications.deliver import Deliverer
from app.platform.database import Pool, connect
from app.platform.fcm import Fcm
from app.platform.hms import Hms
from app.settings import Settings
from tests.conftest import Database, settings_for
from tests.local.running_simulator import RunningSimulator
from tests.notifications.told import ORIGIN
from tests.people import NewCard, Person, add_person
from tests.workers.nights import Nights
from workers.drain_lane import LaneDrain

ADD_DEVICE = """
WITH cause AS (SELECT record_cause($1, 'participant', 'tests') AS cause_id)
INSERT INTO devices (participant_id, device_id, name, platform, public_key, added_at, hold_until, cause_id)
SELECT $1, $2, 'HP', $3, '{}', current_instant(), 'infinity', cause_id FROM cause
"""
SET_TARGET = """
INSERT INTO push_targets (participant_id, device_id, kind, value, platform, locale, set_at)
VALUES ($1, $2, $3, $4, $5, $6, now())
"""


class Reachable(msgspec.Struct, frozen=True):
    """A person, and the push target of each of their phones."""

    person: Person
    devices: dict[str, UUID]
    lane: int

    @property
    def value(self) -> str:
        return next(iter(self.devices))


AddReachable = Callable[..., Awaitable[Reachable]]


class Outbox:
    """What is in the tables, seen as the superuser."""

    def __init__(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        self.connection = connection

    async def waiting(self) -> int:
        count: int = await self.connection.fetchval("SELECT count(*) FROM outbox")
        return count

    async def deliveries(self) -> list[asyncpg.Record]:
        return await self.connection.fetch("SELECT * FROM deliveries ORDER BY participant_id, up_to_seq")

    async def due_now(self) -> None:
        """As if the time of all parked rows had come."""
        await self.connection.execute("UPDATE outbox SET not_before = NULL")

    async def into_lane(self, lane: int) -> None:
        """As if all whose rows wait were of this lane."""
        await self.connection.execute("UPDATE outbox SET lane = $1", lane)


@pytest_asyncio.fixture
async def outbox(fresh_database: Database) -> AsyncIterator[Outbox]:
    connection = await fresh_database.connect()
    yield Outbox(connection)
    await connection.close()


@pytest.fixture
def add_reachable(fresh_database: Database, outbox: Outbox) -> AddReachable:
    async def add(*platforms: str, cards: int = 1, locale: str = "id") -> Reachable:
        person = await add_person(fresh_database, *(NewCard() for _ in range(cards)))
        devices = {f"phone-{uuid4().hex}": uuid4() for _ in platforms or ("android",)}
        api = await fresh_database.connect("sepakat_api", entering=person.participant_id)
        for (value, device_id), platform in zip(devices.items(), platforms or ("android",), strict=True):
            # "hms": an Android phone that is pushed to through Huawei
            target = ("hms", value, "android") if platform == "hms" else ("fid", value, platform)
            await api.execute(ADD_DEVICE, person.participant_id, device_id, target[2])
            await api.execute(SET_TARGET, person.participant_id, device_id, *target, locale)
        await api.close()
        # Registration, cards and keys are entries too; a test begins after them.
        await outbox.connection.execute("DELETE FROM outbox WHERE participant_id = $1", person.participant_id)
        lane = await outbox.connection.fetchval("SELECT lane_of($1)", person.participant_id)
        return Reachable(person, devices, lane)

    return add


@pytest.fixture
def settings(fresh_database: Database, servers: tuple[Postgres, Valkey]) -> Settings:
    """A worker's, whose messages carry links to a public address."""
    return structs.replace(settings_for(fresh_database, servers[1], "sepakat_worker"), public_origin=ORIGIN)


@pytest_asyncio.fixture
async def pool(fresh_database: Database) -> AsyncIterator[Pool]:
    pool = await connect(fresh_database.url("sepakat_worker"), size=10, application="tests")
    yield pool
    await pool.close()


@pytest_asyncio.fixture
async def new_drain(pool: Pool, simulator: RunningSimulator) -> AsyncIterator[Callable[[], LaneDrain]]:
    """Makes drains as separate workers would have: each with its own client and its own memory."""
    clients: list[Fcm | Hms] = []

    def make() -> LaneDrain:
        fcm = Fcm(simulator.base_url, str(simulator.credentials), timeout_s=5.0)
        hms = Hms(simulator.base_url, simulator.hms_token_url, str(simulator.hms_credentials), timeout_s=5.0)
        clients.extend((fcm, hms))
        return LaneDrain(pool, Deliverer({"fid": fcm, "token": fcm, "hms": hms}))

    yield make
    for client in clients:
        await client.close()


@pytest.fixture
def drain(new_drain: Callable[[], LaneDrain]) -> LaneDrain:
    return new_drain()


@pytest.fixture
def nights(fresh_database: Database, outbox: Outbox, pool: Pool) -> Nights:
    return Nights(fresh_database, outbox, pool)
