"""What the desk finds for many streams in one statement: each its own and nothing else; a page at a time; while it can."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio
from msgspec import structs

from app.identity.tokens import AccessToken
from app.local.servers import Postgres, Valkey
from app.notifications.desk import LOOK, PAGE, Desk, Reader
from app.platform.database import Pool, connect
from app.platform.wakes import Wakes
from tests.conftest import SECRET, Database, settings_for
from tests.crowds import SignedInPerson, gather, tell

SOON_S = 3.0
LATER = datetime.now(UTC) + timedelta(days=30)


@pytest_asyncio.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    pool = await connect(database.url("sepakat_api"), size=2, application="tests")
    yield pool
    await pool.close()


@pytest_asyncio.fixture
async def desk(pool: Pool, database: Database, servers: tuple[Postgres, Valkey]) -> AsyncIterator[Desk]:
    wakes = Wakes(servers[1].url, SECRET)
    desk = Desk(pool, wakes, settings_for(database, servers[1], "sepakat_api"))
    work = asyncio.create_task(desk.work())
    yield desk
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    await wakes.close()


@pytest_asyncio.fixture
async def two(database: Database) -> tuple[SignedInPerson, SignedInPerson]:
    first, second = await gather(database.url(), SECRET, 2)
    return first, second


def token_of(who: SignedInPerson, until: datetime = LATER) -> AccessToken:
    return AccessToken(who.participant_id, who.session_id, until)


async def look(pool: Pool, *asked: tuple[UUID, UUID, int], most: int = PAGE) -> list[tuple[int, UUID, int | None]]:
    """(place, participant_id, seq) of what a look finds."""
    people, sessions, afters = (list(column) for column in zip(*asked, strict=True))
    rows = await pool.fetch(LOOK, people, sessions, afters, most)
    return [(row["place"], row["participant_id"], row["seq"]) for row in rows]


async def test_each_finds_its_own_at_its_place(
    pool: Pool, database: Database, two: tuple[SignedInPerson, SignedInPerson]
) -> None:
    dwi, sari = two
    await tell(database.url(), [dwi.participant_id, dwi.participant_id])
    asked = [(sari, 0), (dwi, 1), (sari, 1), (dwi, 2), (dwi, 3)]
    found = await look(pool, *((who.participant_id, who.session_id, after) for who, after in asked))
    he, she = sari.participant_id, dwi.participant_id
    assert found == [(1, he, 1), (2, she, 2), (2, she, 3), (3, he, None), (4, she, 3), (5, she, None)]
    assert await look(pool, (she, dwi.session_id, 0), most=2) == [(1, she, 1), (1, she, 2)]


OVER = {
    "ended": "UPDATE sessions SET ended_at = current_instant(), ended_because = 'signed_out' WHERE session_id = $1",
    "run out": "UPDATE sessions SET refresh_expires_at = current_instant() WHERE session_id = $1",
    "its key removed": """UPDATE devices SET removed_at = current_instant()
        WHERE device_id = (SELECT device_id FROM sessions WHERE session_id = $1)""",
}


@pytest.mark.parametrize("how", OVER)
async def test_a_session_that_is_over_finds_nothing(
    pool: Pool, database: Database, two: tuple[SignedInPerson, SignedInPerson], how: str
) -> None:
    dwi, sari = two
    connection = await database.connect()
    async with connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute(OVER[how], dwi.session_id)
    await connection.close()
    asked = [(who.participant_id, who.session_id, 0) for who in two]
    assert await look(pool, *asked) == [(2, sari.participant_id, 1)]


async def test_a_session_of_somebody_else_finds_nothing(pool: Pool, two: tuple[SignedInPerson, SignedInPerson]) -> None:
    dwi, sari = two
    asked = [(sari.participant_id, dwi.session_id, 0), (dwi.participant_id, uuid4(), 0)]
    assert await look(pool, *asked) == []


@pytest.mark.parametrize("role", ["sepakat_feed", "sepakat_worker", "sepakat_staff", "sepakat_operator"])
async def test_no_other_role_may_look(database: Database, role: str) -> None:
    connection = await database.connect(role)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("SELECT look_for_streams('{}', '{}', '{}', 1)")
    await connection.close()


async def test_a_reader_that_has_not_handed_on_its_page_is_given_no_other(
    desk: Desk, database: Database, two: tuple[SignedInPerson, SignedInPerson]
) -> None:
    dwi, _ = two
    await tell(database.url(), [dwi.participant_id] * (PAGE + 20))
    reader = Reader(token_of(dwi), 0)
    async with asyncio.timeout(SOON_S):
        with desk.seat(reader):
            news = await desk.next(reader)
            await tell(database.url(), [dwi.participant_id])
            await asyncio.sleep(0.2)  # the wakes are subscribed by now, and wake
            assert [row["seq"] for row in news.rows] == list(range(1, PAGE + 1))
            assert reader.after == PAGE, "nothing was read ahead"
            news = await desk.next(reader)
            assert [row["seq"] for row in news.rows] == list(range(PAGE + 1, PAGE + 23))
    assert desk.streams == 0


async def test_a_token_that_has_expired_ends_its_stream_and_no_other(
    desk: Desk, two: tuple[SignedInPerson, SignedInPerson]
) -> None:
    over = Reader(token_of(two[0], datetime.now(UTC) - timedelta(seconds=1)), 0)
    good = Reader(token_of(two[1]), 0)
    async with asyncio.timeout(SOON_S):
        with desk.seat(over), desk.seat(good):
            ended, goes_on = await asyncio.gather(desk.next(over), desk.next(good))
    assert (ended.over, len(ended.rows)) == ("token_expired", 0)
    assert (goes_on.over, [row["seq"] for row in goes_on.rows]) == ("", [1])


async def test_while_no_connection_comes_free_streams_stay(
    pool: Pool, database: Database, servers: tuple[Postgres, Valkey], two: tuple[SignedInPerson, SignedInPerson]
) -> None:
    dwi, _ = two
    wakes = Wakes(servers[1].url, SECRET)
    settings = structs.replace(settings_for(database, servers[1], "sepakat_api"), pool_wait_s=0.1)
    desk = Desk(pool, wakes, settings)
    reader = Reader(token_of(dwi), 0)
    work = asyncio.create_task(desk.work())
    with desk.seat(reader):
        async with pool.acquire(), pool.acquire():  # all that there are
            news = asyncio.create_task(desk.next(reader))
            await asyncio.sleep(0.3)
            assert not news.done()
        async with asyncio.timeout(SOON_S):
            assert [row["seq"] for row in (await news).rows] == [1]
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    await wakes.close()
