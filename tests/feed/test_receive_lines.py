"""Events as NDJSON, packed or not: one result a line, whatever the other lines are."""

from __future__ import annotations

import gzip
import json
from typing import Any

import httpx
import pytest

from tests.feed.conftest import Core, Worker, contribution, event, sign
from tests.people import new_kpj

ROUTE = "/feed/v1/events/lines"
NDJSON = {"content-type": "application/x-ndjson"}


async def post(
    feed: httpx.AsyncClient, raw: bytes, *, packed: bytes | None = None, headers: Any = None
) -> httpx.Response:
    """Signed is `raw`, sent what it was packed into."""
    encoding = {"content-encoding": "gzip"} if packed is not None else {}
    content = raw if packed is None else packed
    return await feed.post(ROUTE, content=content, headers=sign(raw) | NDJSON | encoding | (headers or {}))


def results(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    return [json.loads(line) for line in answer.text.splitlines()]


def lines(*events: Any) -> bytes:
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


@pytest.mark.parametrize("packed", [False, True])
async def test_each_line_has_its_result_and_a_bad_one_stops_no_other(core: Core, card: str, packed: bool) -> None:
    before = (await core.card(card))["balance"]
    first, last = contribution(card, 1_000), contribution(card, 2_000)
    bad = [b"{", b'{"id": "a", "id": "b"}', b'"\\ud800"', b"[" * 100 + b"]" * 100, b'{"id": "no event"}', b"1"]
    raw = lines(first) + b"\n".join(bad) + b"\n\n" + lines(last, first)
    found = results(await post(core.feed, raw, packed=gzip.compress(raw) if packed else None))
    assert [(one["id"], one["outcome"], one["code"]) for one in found] == [
        (first["id"], "applied", None),
        *[(None, "rejected", "event_malformed")] * 4,
        ("no event", "rejected", "event_malformed"),
        (None, "rejected", "event_malformed"),
        (last["id"], "applied", None),
        (first["id"], "duplicate", None),
    ]
    assert (await core.card(card))["balance"] == before + 3_000


async def test_an_event_that_was_held_has_its_result_anew_when_it_is_released(core: Core, dwi: Worker) -> None:
    kpj = new_kpj()
    stream = f"card:{kpj}"
    late, opened = contribution(kpj, 5_000, streams={stream: 2}), dwi.opened(kpj, streams={stream: 1})
    found = results(await post(core.feed, lines(late, opened)))
    assert [(one["id"], one["outcome"]) for one in found] == [
        (late["id"], "held"),
        (late["id"], "applied"),
        (opened["id"], "applied"),
    ]
    assert (await core.card(kpj))["balance"] == 5_000


async def test_a_batch_may_be_packed_too(core: Core, card: str) -> None:
    raw = json.dumps({"events": [contribution(card, 700)]}).encode()
    headers = sign(raw) | {"content-encoding": "gzip"}
    answer = await core.feed.post("/feed/v1/events", content=gzip.compress(raw), headers=headers)
    assert [one["outcome"] for one in answer.json()["results"]] == ["applied"]


@pytest.mark.parametrize(
    ("raw", "headers", "status", "code"),
    [
        (b"", {}, 400, "request_invalid"),
        (b"\n \n", {}, 400, "request_invalid"),
        (b"1\n" * 20_001, {}, 400, "request_invalid"),
        (b"\xff\n", {}, 401, "signature_invalid"),
        (b"{}", {"content-type": "application/json"}, 415, "content_type_unsupported"),
        (b"{}", {"content-encoding": "br"}, 415, "content_type_unsupported"),
    ],
)
async def test_a_body_that_does_not_fit_is_refused_whole(
    feed: httpx.AsyncClient, raw: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    answer = await post(feed, raw, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("packed", "status", "code"),
    [
        (b"no gzip", 400, "body_malformed"),
        (gzip.compress(b"{}" * 50)[:-9], 400, "body_malformed"),
        (gzip.compress(b"{}") + b"rest", 400, "body_malformed"),
        (gzip.compress(b" " * (16 * MIB + 1)), 413, "body_too_large"),
        (gzip.compress(b"{}") * 2, 400, "body_malformed"),
    ],
    ids=range(5),
)
async def test_what_cannot_be_unpacked_is_refused_whole(
    feed: httpx.AsyncClient, packed: bytes, status: int, code: str
) -> None:
    answer = await post(feed, b"{}", packed=packed)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


async def test_another_body_than_was_signed_is_not_applied(core: Core, card: str) -> None:
    before = (await core.card(card))["balance"]
    answer = await post(core.feed, lines(contribution(card, 1)), packed=gzip.compress(lines(contribution(card, 2))))
    assert (answer.status_code, answer.json()["code"]) == (401, "signature_invalid")
    assert (await core.card(card))["balance"] == before


async def test_other_routes_take_nothing_packed(core: Core) -> None:
    raw = gzip.compress(json.dumps({"merge_search": {}}).encode())
    answer = await core.feed.post(
        "/feed/v1/merges/search", content=raw, headers=sign(raw) | {"content-encoding": "gzip"}
    )
    assert (answer.status_code, answer.json()["code"]) == (415, "content_type_unsupported")


async def test_events_of_an_unknown_type_are_told_by_their_ids(core: Core) -> None:
    odd = event("weather.reported", {})
    assert [(one["id"], one["code"]) for one in results(await post(core.feed, lines(odd)))] == [
        (odd["id"], "type_unsupported")
    ]
