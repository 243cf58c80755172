"""Runs by API: signed, each route with its own key, and posted by the worker."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app.platform import database as pools
from app.platform import spool
from tests.bulk.conftest import Bulk, as_lines, growth, new_name
from tests.conftest import Database
from tests.feed.conftest import sign
from tests.people import NewCard, add_person
from workers.post_bulk import post_bulk

NDJSON = {"content-type": "application/x-ndjson"}


@pytest.fixture
async def kpj(database: Database) -> str:
    return (await add_person(database, NewCard(balance=1))).kpjs[0]


def body(name: str, rows: list[dict[str, Any]], kind: str = "growth") -> bytes:
    return json.dumps({"bulk_load": {"name": name, "kind": kind}}).encode() + b"\n" + b"".join(as_lines(rows))


async def load(
    feed: httpx.AsyncClient, raw: bytes, headers: dict[str, Any] | None = None, *, packed: bool = False
) -> httpx.Response:
    sent = gzip.compress(raw) if packed else raw

    async def parts() -> AsyncIterator[bytes]:
        for place in range(0, len(sent), 100):
            yield sent[place : place + 100]

    encoding = {"content-encoding": "gzip"} if packed else {}
    return await feed.post(
        "/feed/v1/bulk/loads", content=parts(), headers=sign(raw) | NDJSON | encoding | (headers or {})
    )


async def ask(feed: httpx.AsyncClient, act: str, **members: Any) -> httpx.Response:
    raw = json.dumps({f"bulk_{act}": members}).encode()
    return await feed.post(f"/feed/v1/bulk/{act}", content=raw, headers=sign(raw))


async def test_a_run_by_api_is_loaded_resumed_posted_by_the_worker_and_reported(
    feed: httpx.AsyncClient, database: Database, kpj: str
) -> None:
    name, rows = new_name(), [growth(kpj, 5), growth("99999999999", 2)]
    loaded = await load(feed, body(name, rows), packed=True)
    assert loaded.status_code == 200, loaded.text
    assert {key: loaded.json()[key] for key in ("state", "rows", "amount", "refused", "percent")} == {
        "state": "staged",
        "rows": 2,
        "amount": "7",
        "refused": 1,
        "percent": 50.0,
    }
    assert (await load(feed, body(name, rows))).json() == loaded.json(), "sent again"
    other = await load(feed, body(name, rows[:1]))
    assert (other.status_code, other.json()["code"]) == (409, "bulk_load_refused")
    assert (await ask(feed, "pause", name=name)).json()["code"] == "bulk_run_unfit"
    assert (await ask(feed, "resume", name=name, rows_per_s=5000)).json()["state"] == "running"
    pool = await pools.connect(database.url("sepakat_worker"), size=2, application="test worker")
    await post_bulk(pool)
    await pool.close()
    (run,) = (await ask(feed, "search", name=name)).json()["runs"]
    assert (run["state"], run["posted"], run["percent"]) == ("done", 1, 100.0)
    report = (await ask(feed, "report", name=name)).json()
    assert report["reconciles"]
    assert report["total"]["posted_amount"] == "5"
    assert report["refused_for"] == {"card_unknown": 1}
    refused = (await ask(feed, "refusals", name=name)).json()
    assert refused["next"] is None
    assert refused["refusals"][0] | rows[1] == refused["refusals"][0]
    assert (await ask(feed, "report", name=new_name())).json()["code"] == "bulk_run_unknown"


async def test_nothing_is_staged_that_was_not_signed_whole(feed: httpx.AsyncClient, bulk: Bulk, kpj: str) -> None:
    name = new_name()
    raw = body(name, [growth(kpj, 5)])
    tampered = raw.replace(b'"amount": 5', b'"amount": 6')
    assert tampered != raw
    answers = [
        await load(feed, tampered, sign(raw) | NDJSON),
        await load(feed, raw, {"webhook-timestamp": "1"}),
        await load(feed, raw, {"webhook-timestamp": "9" * 5000}),
        await load(feed, raw, {"webhook-timestamp": b"\xb2"}),
        await load(feed, raw, {"webhook-signature": "v1,"}),
        await load(feed, raw, {"webhook-signature": "x" * 2000}),
        await load(feed, raw, {"webhook-id": ""}),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(401, "signature_invalid")] * 7
    for wrong, code in (
        ({"content-type": "application/json"}, "content_type_unsupported"),
        ({"content-encoding": "br"}, "content_type_unsupported"),
        ({"content-encoding": "gzip"}, "body_malformed"),
    ):
        assert (await load(feed, raw, wrong)).json()["code"] == code
    packed = gzip.compress(raw)
    for cut in (packed[:-9], packed + packed, zlib.compress(raw)):
        answer = await feed.post(
            "/feed/v1/bulk/loads", content=cut, headers=sign(raw) | NDJSON | {"content-encoding": "gzip"}
        )
        assert answer.json()["code"] == "body_malformed"
    for first in (b"", b"{}\n", b'{"events": []}\n', b'{"bulk_load": {"name": "a b", "kind": "growth"}}\n', b"[[[\n"):
        answer = await load(feed, first + b"".join(as_lines([growth(kpj, 5)])))
        assert answer.json()["code"] in ("request_invalid", "body_malformed"), first
    assert await bulk.admin.fetchval("SELECT count(*) FROM bulk_runs WHERE name = $1", name) == 0
    assert (await load(feed, raw)).status_code == 200


async def test_whoever_drips_does_not_keep_the_place(
    feed: httpx.AsyncClient, kpj: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "WHOLE_WITHIN_S", 0.1)

    async def drip() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"{"
            await asyncio.sleep(0.01)

    slow = await feed.post("/feed/v1/bulk/loads", content=drip(), headers=sign(b"{" * 100) | NDJSON)
    assert (slow.status_code, slow.json()["code"]) == (400, "body_malformed")
    monkeypatch.undo()
    assert (await load(feed, body(new_name(), [growth(kpj, 5)]))).status_code == 200


async def test_a_csv_by_api_has_its_header_in_the_second_line(feed: httpx.AsyncClient, kpj: str) -> None:
    first = json.dumps({"bulk_load": {"name": new_name(), "kind": "growth"}}).encode() + b"\n"
    lines = f"event_id,kpj,year,amount\n{new_name()},{kpj},2025,5\n".encode()
    csv = {"content-type": "text/csv; charset=utf-8"}
    assert (await load(feed, first + lines, csv)).json()["rows"] == 1
    wrong = await load(feed, first.replace(b"run-", b"ran-") + b"a,b\n1,2\n", csv)
    assert wrong.json()["code"] == "request_invalid"
