"""The body around the events: strict, bounded, and never a server error."""

from __future__ import annotations

import json

import httpx
import pytest
from redis.asyncio import Redis

from app.local.servers import Postgres, Valkey
from app.platform.jobs import wake_channel
from tests.conftest import SECRET
from tests.feed.conftest import Core, contribution, sign

ROUTE = "/feed/v1/events"


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b"", 400, "request_invalid"),
        (b"{", 400, "body_malformed"),
        (b"null", 400, "request_invalid"),
        (b"[]", 400, "request_invalid"),
        (b"{}", 400, "request_invalid"),
        (b'{"events": []}', 400, "request_invalid"),
        (b'{"events": {}}', 400, "request_invalid"),
        (b'{"events": null}', 400, "request_invalid"),
        (b'{"events": [1], "events": [2]}', 400, "body_malformed"),
        (b'{"events": [{}], "registration_check": {}}', 400, "request_invalid"),
        (b'{"registration_check": {}}', 400, "request_invalid"),
        (b'{"events": ["\xff"]}', 400, "body_malformed"),
        (b'{"events": ["\\ud800"]}', 400, "body_malformed"),
        ('{"event\u200bs": []}'.encode(), 400, "request_invalid"),
        (b'{"events": [NaN]}', 400, "body_malformed"),
        (b'{"events": [1e999]}', 400, None),
        (b'{"events": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400, "body_malformed"),
        (json.dumps({"events": [1] * 1001}).encode(), 400, "request_invalid"),
        (b'{"events": ["' + b"x" * 1024 * 1024 + b'"]}', 413, "body_too_large"),
    ],
)
async def test_a_body_that_does_not_fit_is_refused_whole(
    feed: httpx.AsyncClient, raw: bytes, status: int, code: str | None
) -> None:
    answer = await feed.post(ROUTE, content=raw, headers=sign(raw))
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert code is None or answer.json()["code"] == code


@pytest.mark.parametrize("bad", ["\x00", "\u202e", "\u200b", "e\u0301", "\ufffe"], ids=ascii)
async def test_a_character_that_is_not_seen_refuses_its_event_and_no_other(
    feed: httpx.AsyncClient, card: str, bad: str
) -> None:
    events = [contribution(card), contribution(card) | {"data": {"reason": f"a{bad}b"}}, contribution(card)]
    raw = json.dumps({"events": events}).encode()
    answer = await feed.post(ROUTE, content=raw, headers=sign(raw))
    assert answer.status_code == 200, answer.text
    results = answer.json()["results"]
    assert [result["outcome"] for result in results] == ["applied", "rejected", "applied"]
    assert results[1]["code"] == "event_malformed"
    assert "data.reason" in results[1]["detail"]


@pytest.mark.parametrize("depth", [1, 15, 30, 300, *range(900, 960, 4)])
async def test_a_deep_event_is_no_server_error(feed: httpx.AsyncClient, card: str, depth: int) -> None:
    one = json.dumps({"events": [contribution(card) | {"data": {"deep": "here"}}]})
    raw = one.replace('"here"', '{"a":' * depth + "1" + "}" * depth).encode()
    answer = await feed.post(ROUTE, content=raw, headers=sign(raw))
    assert answer.status_code in (200, 400), answer.text
    if answer.status_code == 200:
        assert answer.json()["results"][0]["outcome"] == "rejected"


async def test_the_wrong_content_type_is_refused(feed: httpx.AsyncClient) -> None:
    raw = b'{"events": [{}]}'
    answer = await feed.post(ROUTE, content=raw, headers=sign(raw) | {"content-type": "text/plain"})
    assert answer.status_code == 415


async def test_a_full_batch_is_taken(core: Core, card: str) -> None:
    results = await core.send(*(contribution(card, 1) for _ in range(300)), *[None] * 700)
    assert [result["outcome"] for result in results] == ["applied"] * 300 + ["rejected"] * 700
    assert (await core.card(card))["balance"] == 9910352 + 300


async def test_an_applied_event_wakes_the_streams_of_its_participant(
    core: Core, card: str, servers: tuple[Postgres, Valkey]
) -> None:
    (row,) = await core.ask("SELECT participant_id FROM cards WHERE kpj = $1", card)
    async with Redis.from_url(servers[1].url) as redis, redis.pubsub() as wakes:
        await wakes.subscribe(wake_channel(SECRET, row["participant_id"]))
        assert (await wakes.get_message(timeout=5))["type"] == "subscribe"
        await core.apply(contribution(card, 1))
        assert (await wakes.get_message(timeout=5))["type"] == "message"


async def test_a_reason_is_never_as_long_as_what_was_sent(core: Core, card: str) -> None:
    for around in (
        {"type": "x." + "y" * 500_000},
        {"data": {"y" * 500_000: 1}},
        {"data": {"kpj": card, "status": "y" * 500_000}},
    ):
        (result,) = await core.send(contribution(card) | {"type": "card.status_changed"} | around)
        assert result["outcome"] == "rejected"
        assert len(result["detail"]) < 500
