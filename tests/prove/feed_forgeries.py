"""Requests that the agency did not send, or not so, or not now: none is applied, none makes the feed stumble.

Each carries money that would be seen: a contribution that was never sent, or one that was. FORGERIES is how many.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import hmac
import json
import os
import random
import string
import sys
import zlib
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest
from standardwebhooks.webhooks import Webhook

from tests.conftest import FEED_SECRET, Apps, Database
from tests.contract.test_malformed import everything_written
from tests.feed.conftest import Core, Worker, contribution, sign
from tests.people import new_kpj

pytestmark = [pytest.mark.long, pytest.mark.timeout(4 * 3600)]

FORGERIES = int(os.environ.get("FORGERIES", "10000"))
SEED = int(os.environ.get("SEED", "1"))
AT_ONCE = 20
PATHS = ("/feed/v1/events", "/feed/v1/events/lines")
OTHERS = ("/feed/v1/cases/search", "/feed/v1/merges/search", "/feed/v1/registrations/check")
REFUSED = {400, 401, 413, 415}
Headers = list[tuple[str, str]]


class Sent(msgspec.Struct):
    """A request. `outcome` is of one that the agency's key did sign, and that must change nothing all the same."""

    path: str
    headers: dict[str, str]
    body: bytes
    more: Headers = msgspec.field(default_factory=list)
    outcome: str | None = None


class Forger:
    """Has heard what the agency sends, and knows none of its secrets."""

    def __init__(self, dice: random.Random, kpj: str, heard: list[Sent]) -> None:
        self.dice, self.kpj, self.heard = dice, kpj, heard
        self.ways: dict[str, Callable[[], Sent]] = {
            "another key": self.another_key,
            "another moment": self.another_moment,
            "another version": self.another_version,
            "many signatures": self.many_signatures,
            "changed signature": self.changed_signature,
            "changed bytes": self.changed_bytes,
            "cut": self.cut,
            "cut or changed where it is packed": self.packed_otherwise,
            "packed, and signed as packed": self.signed_as_packed,
            "headers of two": self.swapped,
            "headers missing, doubled or odd": self.odd_headers,
            "id again, with another body": self.id_again,
            "again as it was": self.again,
            "again, later": self.again_later,
            "elsewhere": self.elsewhere,
            "signed anew": self.signed_anew,
        }

    def forge(self) -> tuple[str, Sent]:
        way = self.dice.choice(list(self.ways))
        return way, self.ways[way]()

    def fresh(self, *, secret: str = FEED_SECRET, at: datetime | None = None) -> Sent:
        """What the agency might send next, and has not: the forger changes it before anybody sees it."""
        return signed(self.dice.choice(PATHS), contribution(self.kpj, 10**9), secret=secret, at=at)

    def another_key(self) -> Sent:
        keys = ("whsec_", f"whsec_{base64.b64encode(FEED_SECRET.encode()).decode()}", f"{FEED_SECRET[:-4]}AAA=")
        random_key = f"whsec_{base64.b64encode(self.dice.randbytes(32)).decode()}"
        return self.fresh(secret=self.dice.choice((random_key, random_key, *keys[1:])))

    def another_moment(self) -> Sent:
        away = self.dice.choice((301, 3600, 86_400, self.dice.randrange(302, 10**8)))
        moment = datetime.now(UTC) + timedelta(seconds=away + 5) * self.dice.choice((-1, 1))
        sent = self.fresh(at=moment)
        if self.dice.random() < 0.5:  # signed for that moment, and said to be of this one
            sent.headers["webhook-timestamp"] = str(int(datetime.now(UTC).timestamp()))
        return sent

    def another_version(self) -> Sent:
        sent = self.fresh()
        code = sent.headers["webhook-signature"].removeprefix("v1,")
        named = self.dice.choice(
            ("v2,", "v1a,", "v0,", "V1,", "v1;", "v1", "", "v1 ,", "1,", "v11,", ",", "v1,,", "v1,v1,")
        )
        sent.headers["webhook-signature"] = named + code
        return sent

    def many_signatures(self) -> Sent:
        sent = self.fresh()
        made = [
            f"v1,{base64.b64encode(self.dice.randbytes(32)).decode()}" for _ in range(self.dice.choice((2, 20, 2_000)))
        ]
        sent.headers["webhook-signature"] = " ".join(made)
        return sent

    def changed_signature(self) -> Sent:
        """Another code altogether: base64 has spellings of the same code, which are no forgeries."""
        sent = self.fresh()
        code = bytearray(base64.b64decode(sent.headers["webhook-signature"].removeprefix("v1,")))
        if self.dice.random() < 0.5:
            code[self.dice.randrange(len(code))] ^= self.dice.randrange(1, 256)
        else:
            code = code[: self.dice.randrange(len(code))]
        sent.headers["webhook-signature"] = "v1," + base64.b64encode(code).decode()
        return sent

    def changed_bytes(self) -> Sent:
        sent = self.fresh()
        sent.body = self.change(sent.body)
        return sent

    def cut(self) -> Sent:
        sent = self.fresh()
        sent.body = sent.body[: self.dice.randrange(len(sent.body))]
        return sent

    def packed_otherwise(self) -> Sent:
        sent = self.fresh()
        good = gzip.compress(sent.body)
        sent.headers["content-encoding"] = self.dice.choice(
            ("gzip", "gzip", "gzip", "deflate", "br", "gzip, gzip", "identity")
        )
        what = self.dice.randrange(6)
        if what == 0:
            sent.body = good[: self.dice.randrange(len(good))]
        elif what == 1:
            sent.body = gzip.compress(self.change(sent.body))
        elif what == 2:
            sent.body = good + self.dice.choice((good, b"\0", gzip.compress(b""), self.dice.randbytes(5)))
        elif what == 3:
            sent.body = gzip.compress(good)
        elif what == 4:
            sent.body = zlib.compress(sent.body)
        else:
            sent.body = gzip.compress(sent.body + b" " * 2 * 1024 * 1024)
        return sent

    def signed_as_packed(self) -> Sent:
        sent = self.fresh()
        packed = gzip.compress(sent.body)
        headers = sign_bytes(packed) | {"content-encoding": "gzip", "content-type": sent.headers["content-type"]}
        return Sent(sent.path, headers, packed)

    def swapped(self) -> Sent:
        sent, other = self.fresh(), self.fresh()
        names = ("webhook-id", "webhook-timestamp", "webhook-signature")
        for name in self.dice.sample(("webhook-id", "webhook-signature"), 1):
            sent.headers[name] = other.headers[name]
        if self.dice.random() < 0.3:  # all of the other's, with a body of its own
            sent.headers |= {name: other.headers[name] for name in names}
        return sent

    def odd_headers(self) -> Sent:
        sent = self.fresh()
        name = self.dice.choice(("webhook-id", "webhook-timestamp", "webhook-signature"))
        value = sent.headers.pop(name)
        odd = self.dice.choice(
            (None, "", "0", "nan", "-1", "é", "x" * 9_000, value[:-1], "x" + value, value.upper() + "0")
        )
        if odd is not None:
            sent.more = [(name, odd)] * self.dice.randrange(1, 3)
        return sent

    def id_again(self) -> Sent:
        heard = self.dice.choice(self.heard)
        fresh = self.fresh()
        return Sent(fresh.path, heard.headers | {"content-type": fresh.headers["content-type"]}, fresh.body)

    def again(self) -> Sent:
        heard = self.dice.choice(self.heard)
        packed = self.dice.random() < 0.3
        headers = dict(heard.headers) | ({"content-encoding": "gzip"} if packed else {})
        return Sent(heard.path, headers, gzip.compress(heard.body) if packed else heard.body, outcome="duplicate")

    def again_later(self) -> Sent:
        heard = self.dice.choice(self.heard)
        later = str(int(heard.headers["webhook-timestamp"]) + self.dice.randrange(1, 200))
        return Sent(heard.path, heard.headers | {"webhook-timestamp": later}, heard.body)

    def elsewhere(self) -> Sent:
        """What was signed for one route, at another: the signature is good, and the body is none there."""
        heard = self.dice.choice([one for one in self.heard if one.path == PATHS[0]])
        return Sent(self.dice.choice(OTHERS), dict(heard.headers), heard.body)

    def signed_anew(self) -> Sent:
        """By whoever has the key: an event that was settled stays as it was settled."""
        heard = self.dice.choice(self.heard)
        told = json.loads(heard.body)
        event = told["events"][0] if "events" in told else told
        other = self.dice.random() < 0.7
        if other:
            event["data"]["amount"] += self.dice.randrange(1, 10**6)
        sent = signed(self.dice.choice(PATHS), event)
        return msgspec.structs.replace(sent, outcome="quarantined" if other else "duplicate")

    def change(self, raw: bytes) -> bytes:
        found = bytearray(raw)
        place = self.dice.randrange(len(found))
        what = self.dice.randrange(5)
        if what == 0:
            found[place] ^= self.dice.randrange(1, 256)
        elif what == 1:
            found.insert(place, self.dice.randrange(256))
        elif what == 2:
            del found[place]
        elif what == 3:
            found += self.dice.choice((b" ", b"\n", b"\0", b"{}"))
        else:  # the sum alone
            at = raw.index(b"1000000000")
            found[at : at + 10] = "".join(self.dice.choices(string.digits[1:], k=10)).encode()
        return bytes(found)


def sign_bytes(raw: bytes) -> dict[str, str]:
    """As `sign`, of bytes that are no text."""
    message, now = f"msg_{os.urandom(8).hex()}", datetime.now(UTC)
    signed_bytes = f"{message}.{int(now.timestamp())}.".encode() + raw
    webhook: Any = Webhook(FEED_SECRET)
    code = base64.b64encode(hmac.digest(webhook._whsecret, signed_bytes, "sha256")).decode()
    return {"webhook-id": message, "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": f"v1,{code}"}


def signed(path: str, *events: Any, secret: str = FEED_SECRET, at: datetime | None = None) -> Sent:
    lines = path == PATHS[1]
    raw = b"\n".join(json.dumps(one).encode() for one in events) if lines else json.dumps({"events": events}).encode()
    headers = sign(raw, secret=secret, at=at) | ({"content-type": "application/x-ndjson"} if lines else {})
    return Sent(path, headers, raw)


async def post(feed: httpx.AsyncClient, sent: Sent) -> httpx.Response:
    headers = [(name.encode(), value.encode("utf-8")) for name, value in [*sent.headers.items(), *sent.more]]
    return await feed.post(sent.path, content=sent.body, headers=headers)


async def everything_kept(database: Database) -> dict[str, str]:
    """A digest of every table but the one for what is put aside."""
    found = await everything_written(database)
    del found["feed_quarantine"]
    return found


async def test_no_forged_cut_replayed_or_resigned_request_is_applied(fresh_apps: Apps) -> None:
    core, worker, kpj = Core(fresh_apps.feed, fresh_apps.database), Worker(), new_kpj()
    await core.apply(worker.registered(), worker.opened(kpj, balance=1_000_000))
    dice = random.Random(SEED)
    seen: Counter[tuple[str, int]] = Counter()
    for _ in range(-(-FORGERIES // 2_500)):
        # a replay is one only while its timestamp is young enough to be taken
        heard = [signed(path, contribution(kpj, dice.randrange(1, 1_000))) for path in PATHS * 5]
        for one in heard:
            assert (await post(fresh_apps.feed, one)).status_code == 200
        before = await everything_kept(fresh_apps.database)
        forger = Forger(dice, kpj, heard)
        for _ in range(min(2_500, FORGERIES) // AT_ONCE):
            forged = [forger.forge() for _ in range(AT_ONCE)]
            answers = await asyncio.gather(*(post(fresh_apps.feed, one) for _, one in forged))
            for (way, one), answer in zip(forged, answers, strict=True):
                seen[way, answer.status_code] += 1
                told = f"SEED={SEED}: {way}: {one}: {answer.status_code} {answer.text[:300]}"
                if one.outcome and answer.status_code == 200:
                    results = [answer.json()] if one.path == PATHS[1] else answer.json()["results"]
                    assert [result["outcome"] for result in results] == [one.outcome], told
                else:
                    assert answer.status_code in REFUSED, told
                    assert answer.headers["content-type"] == "application/problem+json", told
        assert await everything_kept(fresh_apps.database) == before
    told = ", ".join(f"{way}: {code} × {count}" for (way, code), count in sorted(seen.items()))
    sys.stdout.write(f"\n{sum(seen.values())} requests, none applied: {told}")
    assert all(seen[way, 401] for way in ("another key", "another moment", "changed bytes", "headers of two"))
    assert seen["again as it was", 200]
    assert seen["signed anew", 200]
