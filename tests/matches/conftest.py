"""What possible matches begin with: Agus, and a card of his that was registered under a mistyped identity number."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date
from io import BytesIO
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest
import pytest_asyncio
from PIL import Image

from app.local.servers import Postgres, Valkey
from app.matches.find import find_matches
from app.platform import database as pools
from tests.conftest import Database, settings_for
from tests.feed.conftest import Core, event
from tests.people import NewCard, Person, Phone, add_person, new_nik

BORN = date(1985, 8, 12)
Find = Callable[[], Awaitable[int]]


def exchange(nik: str, place: int) -> str:
    """The same number with two neighbouring digits exchanged."""
    return nik[:place] + nik[place + 1] + nik[place] + nik[place + 2 :]


def photo(colour: str = "white", **options: Any) -> bytes:
    written = BytesIO()
    Image.new("RGB", (400, 300), colour).save(written, "JPEG", **options)
    return written.getvalue()


class Agus(msgspec.Struct, frozen=True):
    """`person` has a card of his own; `mistyped` is how somebody registered him once, with an old card."""

    person: Person
    mistyped: Person
    phone: Phone
    core: Core

    @property
    def lost(self) -> str:
        return self.mistyped.kpjs[0]

    async def match(self) -> dict[str, Any]:
        """The newest possible match."""
        answer = await self.phone.get("/v1/possible-matches")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["matches"][0]
        return found

    async def upload(self, match_id: str, body: bytes | None = None, kind: str = "paklaring") -> str:
        answer = await upload(self.phone, f"/v1/possible-matches/{match_id}/documents?kind={kind}", body or photo())
        assert answer.status_code == 201, answer.text
        document_id: str = answer.json()["id"]
        return document_id

    async def claim(self) -> dict[str, Any]:
        """Claims with one document; returns the match."""
        match = await self.match()
        body = {"document_ids": [await self.upload(match["id"])]}
        answer = await self.phone.post(f"/v1/possible-matches/{match['id']}/claim", body)
        assert answer.status_code == 200, answer.text
        claimed: dict[str, Any] = answer.json()
        return claimed

    async def decide(self, case_id: str, decision: str = "linked", **overrides: Any) -> dict[str, Any]:
        """The result of the agency's decision."""
        data = {"case_id": case_id, "decision": decision, "reason": "Paklaring cocok", "staff": "staf-1"}
        if decision == "linked":
            data["second_staff"] = "staf-2"
        (result,) = await self.core.send(event("case.decided", data | overrides))
        return result

    async def cards(self) -> dict[str, tuple[str, int | None]]:
        answer = await self.phone.get("/v1/cards")
        return {card["kpj"]: (card["status"], card["balance"]) for card in answer.json()["cards"]}


async def upload(
    phone: Phone, path: str, body: bytes, content_type: str = "image/jpeg", key: str | None = None
) -> httpx.Response:
    headers = {"content-type": content_type, "idempotency-key": key or uuid4().hex}
    return await phone.request("POST", path, content=body, headers=headers)


def sha256(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


@pytest.fixture
def core(feed: httpx.AsyncClient, database: Database) -> Core:
    return Core(feed, database)


@pytest_asyncio.fixture
async def find(database: Database, servers: tuple[Postgres, Valkey]) -> AsyncIterator[Find]:
    """What the worker does with those who are queued, in the worker's role."""
    settings = settings_for(database, servers[1], "sepakat_worker")
    pool = await pools.connect(settings.database_url, size=2, application="test worker")

    async def run() -> int:
        suggested, _ = await find_matches(pool, settings)
        return suggested

    yield run
    await pool.close()


async def register_agus(database: Database, api: httpx.AsyncClient, core: Core, **card: Any) -> Agus:
    """`card` overrides what the lost card is."""
    nik = new_nik(BORN)
    of_old: dict[str, Any] = {"balance": 4_218_777, "opened_on": date(2009, 4, 1), "closed_on": date(2015, 7, 31)}
    lost = NewCard(**(of_old | card))
    own = NewCard(balance=30_000_000, status="active", opened_on=date(2015, 9, 1))
    person = await add_person(database, own, name="Agus Setiawan", birth_date=BORN, nik=nik)
    mistyped = await add_person(database, lost, name="AGUS SETIAWAN", birth_date=BORN, nik=exchange(nik, 8), phone=None)
    phone = await Phone(api, "Ponsel Agus").enrol(person)
    return Agus(person, mistyped, phone, core)


@pytest_asyncio.fixture
async def agus(database: Database, api: httpx.AsyncClient, core: Core, find: Find) -> Agus:
    found = await register_agus(database, api, core)
    await find()
    return found
