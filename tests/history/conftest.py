"""A life with everything in it that a history, a receipt and an export can hold."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest_asyncio

from app.platform import database as pools
from app.platform.database import Pool
from tests.conftest import Database
from tests.merges.conftest import Settle, cool_off, settle_due, wait
from tests.notifications.changes import post_contribution
from tests.people import NewCard, Person, Phone, add_person

__all__ = ["cool_off", "settle_due", "wait"]

Keys = dict[str, Any]


class Life(msgspec.Struct, frozen=True):
    """A person whose two cards were merged, with contributions before and after."""

    person: Person
    phone: Phone
    merge_id: str

    async def receipt(self) -> bytes:
        return (await self.phone.get(f"/v1/merges/{self.merge_id}/receipt")).content

    async def export(self) -> bytes:
        answer = await self.phone.get("/v1/me/export")
        assert answer.status_code == 200, answer.text
        return answer.content


async def live(api: httpx.AsyncClient, database: Database, cool_off: Settle) -> Life:
    """Opening, contributions, a proposal declined, a merge confirmed and executed, an acknowledgement, a new phone key."""
    person = await add_person(
        database,
        NewCard(balance=14_265_493, opened_on=date(2013, 3, 1)),
        NewCard(balance=9_910_352, status="active", opened_on=date(2019, 2, 1)),
        name="Dwi “Nuraéni” Łukasz",
    )
    await post_contribution(database, person, cards=2)
    phone = await Phone(api).enrol(person)
    absorb, into = person.kpjs
    first = (await phone.post("/v1/merges", {"absorb": [absorb], "into": into})).json()
    await phone.post(f"/v1/merges/{first['id']}/decline", {"reason": "Belum yakin — nanti"})
    merge = (await phone.post("/v1/merges", {"absorb": [absorb], "into": into})).json()
    assert (await phone.confirm(merge)).status_code == 200
    await cool_off()
    survivor = msgspec.structs.replace(person, cards={into: person.cards[into]})
    await post_contribution(database, survivor, amount=7)
    await phone.post("/v1/inbox/1/acknowledge")
    return Life(person, phone, merge["id"])


@pytest_asyncio.fixture
async def life(api: httpx.AsyncClient, database: Database, cool_off: Settle) -> Life:
    return await live(api, database, cool_off)


@pytest_asyncio.fixture
async def keys(api: httpx.AsyncClient) -> Keys:
    """The published keys."""
    found: Keys = (await api.get("/.well-known/jwks.json")).json()
    return found


@asynccontextmanager
async def worker_of(database: Database) -> AsyncIterator[asyncpg.pool.PoolConnectionProxy[asyncpg.Record]]:
    """A transaction in the worker's role."""
    pool: Pool = await pools.connect(database.url("sepakat_worker"), size=1, application="test worker")
    async with pool.acquire() as connection, connection.transaction():
        yield connection
    await pool.close()
