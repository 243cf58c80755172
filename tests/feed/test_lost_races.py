"""An event that loses a race for a lock is tried again; a batch that cannot go on says busy, and can be sent again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest_asyncio

from app.local.servers import Postgres, Valkey
from tests.conftest import Database, settings_for
from tests.feed.conftest import Core, contribution, serve_feed
from tests.people import NewCard, Person, add_person


@pytest_asyncio.fixture
async def impatient(fresh_database: Database, servers: tuple[Postgres, Valkey]) -> AsyncIterator[Core]:
    """A feed that waits 50 ms for a lock, and tries five times."""
    admin = await fresh_database.connect()
    await admin.execute(f"ALTER ROLE sepakat_feed IN DATABASE {fresh_database.name} SET lock_timeout = '50ms'")
    await admin.close()
    async with serve_feed(settings_for(fresh_database, servers[1], "sepakat_feed")) as feed:
        yield Core(feed, fresh_database)


async def hold_head(database: Database, person: Person) -> asyncpg.Connection[asyncpg.Record]:
    """Keeps the participant's head locked until the connection is closed."""
    connection = await database.connect()
    await connection.execute("BEGIN")
    await connection.execute(
        "SELECT FROM participant_heads WHERE participant_id = $1 FOR UPDATE", person.participant_id
    )
    return connection


async def test_an_event_waits_for_a_lock_more_than_once(impatient: Core, fresh_database: Database) -> None:
    person = await add_person(fresh_database, NewCard(balance=100))
    (kpj,) = person.kpjs
    holder = await hold_head(fresh_database, person)
    sending = asyncio.create_task(impatient.send(contribution(kpj, 5, streams={f"card:{kpj}": 1})))
    await asyncio.sleep(0.15)
    await holder.close()
    assert [result["outcome"] for result in await sending] == ["applied"]
    assert (await impatient.card(kpj))["balance"] == 105


async def test_a_batch_that_cannot_go_on_is_sent_again(impatient: Core, fresh_database: Database) -> None:
    free, busy = [await add_person(fresh_database, NewCard(balance=100)) for _ in range(2)]
    batch = [contribution(kpj, 5, streams={f"card:{kpj}": 1}) for kpj in (*free.kpjs, *busy.kpjs)]
    holder = await hold_head(fresh_database, busy)
    answer: httpx.Response = await impatient.post(*batch)
    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    assert answer.headers["retry-after"] == "1"
    await holder.close()
    assert [result["outcome"] for result in await impatient.send(*batch)] == ["duplicate", "applied"]
    assert [(await impatient.card(kpj))["balance"] for kpj in (*free.kpjs, *busy.kpjs)] == [105, 105]
