"""The agency's core system, as a test plays it: it signs what it sends, and numbers events in streams."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest
from asgi_lifespan import LifespanManager
from standardwebhooks.webhooks import Webhook

from app.main import create_feed
from app.settings import Settings
from tests.conftest import FEED_SECRET, Database
from tests.people import new_kpj, new_nik, nik_hash

_ids = itertools.count()
_RUN = os.urandom(4).hex()


def sign(raw: bytes, *, secret: str = FEED_SECRET, at: datetime | None = None) -> dict[str, str]:
    """The headers of a signed request."""
    at = at or datetime.now(UTC)
    message = f"msg_{next(_ids)}"
    return {
        "content-type": "application/json",
        "webhook-id": message,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(message, at, raw.decode("utf-8", "replace")),
    }


@asynccontextmanager
async def serve_feed(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A feed of its own, with other settings than the shared one."""
    app: Any = create_feed(settings)
    async with (
        LifespanManager(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://feed") as feed,
    ):
        yield feed


def event(kind: str, data: dict[str, Any], **around: Any) -> dict[str, Any]:
    """An event with a new id; `around` overrides its members."""
    plain = {"id": f"evt-{_RUN}-{next(_ids)}", "type": kind, "occurred_at": "2026-03-02T04:05:06Z", "data": data}
    return plain | around


class Core:
    """Sends to the feed, and reads what came of it."""

    def __init__(self, feed: httpx.AsyncClient, database: Database) -> None:
        self.feed, self.database = feed, database

    async def post(self, *events: Any) -> httpx.Response:
        raw = json.dumps({"events": events}).encode()
        return await self.feed.post("/feed/v1/events", content=raw, headers=sign(raw))

    async def send(self, *events: Any) -> list[dict[str, Any]]:
        """The results, one for each event."""
        answer = await self.post(*events)
        assert answer.status_code == 200, answer.text
        results: list[dict[str, Any]] = answer.json()["results"]
        assert len(results) == len(events)
        return results

    async def apply(self, *events: Any) -> None:
        """Sends events of which all must be applied."""
        for result in await self.send(*events):
            assert result["outcome"] == "applied", result

    async def ask(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        connection = await self.database.connect()
        try:
            return [dict(row) for row in await connection.fetch(sql, *values)]
        finally:
            await connection.close()

    async def card(self, kpj: str) -> dict[str, Any]:
        (card,) = await self.ask("SELECT * FROM cards WHERE kpj = $1", kpj)
        return card

    async def history(self, nik: str) -> list[dict[str, Any]]:
        """kind, card_id, merge_id, data and origin of each entry, oldest first."""
        rows = await self.ask(
            """SELECT h.seq, h.kind, h.card_id, h.merge_id, h.cause_id, d.data, c.origin, c.event_id, o.seq IS NOT NULL AS queued
            FROM participant_numbers AS n JOIN history AS h USING (participant_id)
            JOIN history_data AS d USING (participant_id, seq) JOIN causes AS c USING (participant_id, cause_id)
            LEFT JOIN outbox AS o ON o.participant_id = h.participant_id AND o.seq = h.seq
            WHERE n.nik_hash = $1 ORDER BY h.seq""",
            nik_hash(nik),
        )
        return [row | {"data": json.loads(row["data"])} for row in rows]


class Worker:
    """One participant as the core knows her, and the events about her."""

    def __init__(self) -> None:
        self.nik = new_nik(date(1990, 5, 17))

    def registered(self, **around: Any) -> dict[str, Any]:
        data = {"nik": self.nik, "name": "Dwi Lestari", "birth_date": "1990-05-17", "phone": "0812-0000-0001"}
        return event("participant.registered", data, **around)

    def opened(self, kpj: str, *, balance: int | None = None, **around: Any) -> dict[str, Any]:
        data: dict[str, Any] = {
            "kpj": kpj,
            "nik": self.nik,
            "employer": {"id": "E-1", "name": "PT Sinar Garmen Majalaya"},
            "segment": "PU",
            "programmes": ["JHT", "JKK", "JKM"],
            "opened_on": "2019-02-01",
            "status": "active",
        }
        if balance is not None:
            data["opening_balance"] = balance
        return event("card.opened", data, **around)


def contribution(kpj: str, amount: int = 319177, month: str = "2026-02", **around: Any) -> dict[str, Any]:
    data = {"kpj": kpj, "employer_id": "E-1", "month": month, "amount": amount, "paid_on": "2026-03-02"}
    return event("contribution.posted", data, **around)


def claim(step: str, kpj: str, amount: int, *, claim_id: str, kind: str = "full", **around: Any) -> dict[str, Any]:
    return event(f"claim.{step}", {"kpj": kpj, "claim_id": claim_id, "kind": kind, "amount": amount}, **around)


@pytest.fixture
def core(feed: httpx.AsyncClient, database: Database) -> Core:
    return Core(feed, database)


@pytest.fixture
async def dwi(core: Core) -> Worker:
    """A participant without cards."""
    worker = Worker()
    await core.apply(worker.registered())
    return worker


@pytest.fixture
async def card(core: Core, dwi: Worker) -> str:
    """Her card, active, with Rp9,910,352."""
    kpj = new_kpj()
    await core.apply(dwi.opened(kpj, balance=9910352))
    return kpj
