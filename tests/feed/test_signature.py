"""Only what the agency signed is taken, and whatever else comes is refused without a stumble."""

from __future__ import annotations

import base64
import json
import os
import random
from datetime import UTC, datetime, timedelta

import httpx
import msgspec
import pytest

from app.feed.signature import is_signed
from app.local.servers import Postgres, Valkey
from tests.conftest import FEED_SECRET, Database, settings_for
from tests.feed.conftest import Core, contribution, serve_feed, sign

ROUTE = "/feed/v1/events"
OTHER_SECRET = "whsec_" + base64.b64encode(b"the next secret of the agency, rotated in").decode()


def body(*events: object) -> bytes:
    return json.dumps({"events": events or [{}]}).encode()


def refused(answer: httpx.Response) -> bool:
    return answer.status_code == 401 and answer.json()["code"] == "signature_invalid"


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-signature": ""},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1,%%%"},
        {"webhook-signature": "v1,a"},
        {"webhook-signature": "v2,AAAA v1a,AAAA"},
        {"webhook-signature": "v1,AAAA,AAAA"},
        {"webhook-signature": " " * 50},
        {"webhook-signature": "v1,AAAA " * 5000},
        {"webhook-timestamp": "nan"},
        {"webhook-timestamp": "1e400"},
        {"webhook-timestamp": "-1"},
        {"webhook-timestamp": "99999999999999999999"},
        {"webhook-timestamp": "tomorrow"},
        {"webhook-id": ""},
        {"webhook-id": "msg_another"},
        {"webhook-id": "pesan-é"},
    ],
)
async def test_a_malformed_or_changed_signature_is_refused(
    core: Core, feed: httpx.AsyncClient, card: str, changed: dict[str, str]
) -> None:
    raw = body(contribution(card))
    headers = [(name.encode(), value.encode("latin-1")) for name, value in (sign(raw) | changed).items()]
    assert refused(await feed.post(ROUTE, content=raw, headers=headers))
    assert (await core.card(card))["entries"] == 1


async def test_an_unsigned_request_is_refused(feed: httpx.AsyncClient) -> None:
    assert refused(await feed.post(ROUTE, json={"events": [{}]}))
    assert refused(await feed.post(ROUTE, json={"nonsense": 1}))


async def test_other_bytes_or_another_secret_are_refused(feed: httpx.AsyncClient) -> None:
    raw = body()
    assert (await feed.post(ROUTE, content=raw, headers=sign(raw))).status_code == 200
    assert refused(await feed.post(ROUTE, content=raw + b" ", headers=sign(raw)))
    assert refused(await feed.post(ROUTE, content=raw, headers=sign(raw, secret=OTHER_SECRET)))


@pytest.mark.parametrize(("minutes", "taken"), [(-6, False), (-4, True), (4, True), (6, False)])
async def test_a_signature_lives_five_minutes(feed: httpx.AsyncClient, minutes: int, taken: bool) -> None:
    raw = body()
    headers = sign(raw, at=datetime.now(UTC) + timedelta(minutes=minutes))
    answer = await feed.post(ROUTE, content=raw, headers=headers)
    assert answer.status_code == 200 if taken else refused(answer)


async def test_a_replayed_request_changes_nothing(core: Core, feed: httpx.AsyncClient, card: str) -> None:
    raw = body(contribution(card))
    headers = sign(raw)
    seen = [(await feed.post(ROUTE, content=raw, headers=headers)).json()["results"][0]["outcome"] for _ in range(3)]
    assert seen == ["applied", "duplicate", "duplicate"]
    assert (await core.card(card))["entries"] == 2


async def test_every_configured_secret_is_valid_and_none_opens_nothing() -> None:
    raw = body()
    both = f"{FEED_SECRET}, {OTHER_SECRET}"
    assert is_signed(both, sign(raw), raw)
    assert is_signed(both, sign(raw, secret=OTHER_SECRET), raw)
    assert not is_signed("", sign(raw), raw)
    assert not is_signed("whsec_", sign(raw), raw)
    assert not is_signed("whsec_%%%a", sign(raw), raw)


async def test_a_sender_that_rotates_may_sign_with_both(feed: httpx.AsyncClient) -> None:
    raw = body()
    headers = sign(raw)
    other = sign(raw, secret=OTHER_SECRET)["webhook-signature"]
    headers["webhook-signature"] = f"{other} {headers['webhook-signature']}"
    assert (await feed.post(ROUTE, content=raw, headers=headers)).status_code == 200


async def test_nobody_is_let_in_where_no_secret_is_set(database: Database, servers: tuple[Postgres, Valkey]) -> None:
    settings = msgspec.structs.replace(settings_for(database, servers[1], "sepakat_feed"), feed_secrets="")
    async with serve_feed(settings) as feed:
        raw = body()
        assert refused(await feed.post(ROUTE, content=raw, headers=sign(raw)))


async def test_forged_and_cut_requests_are_never_a_server_error(core: Core, feed: httpx.AsyncClient, card: str) -> None:
    dice = random.Random(7)
    raw = body(contribution(card))
    for attempt in range(200):
        sent, headers = bytearray(raw), sign(raw)
        match attempt % 4:
            case 0:
                sent = sent[: dice.randrange(len(sent))]
            case 1:
                sent[dice.randrange(len(sent))] ^= dice.randrange(1, 256)
            case 2:
                headers["webhook-signature"] = headers["webhook-signature"][: dice.randrange(47)]
            case _:
                headers["webhook-signature"] = "v1," + base64.b64encode(os.urandom(32)).decode()
        answer = await feed.post(ROUTE, content=bytes(sent), headers=headers)
        assert answer.status_code in (400, 401), answer.text
    assert (await core.card(card))["entries"] == 1
