"""Limits hold over all processes at once, name nobody in Valkey, and never shut an owner out."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any, cast
from uuid import uuid4

import httpx
import msgspec
import pytest
import pytest_asyncio
from asgi_lifespan import LifespanManager
from redis.asyncio import Redis

from app.local.servers import Valkey
from app.main import LIMITS, create_api
from app.platform.limits import Buckets, Limit, limits_of
from app.platform.openapi.answers import routes
from app.settings import Settings
from tests.conftest import RECEIPT_KEYS, SECRET, Database, settings_for
from tests.notifications.restarts import start_again
from tests.people import Phone, add_person

BY_NAME = {limit.name: limit for limit in LIMITS}
PROXY = "10.0.0.1"


@pytest_asyncio.fixture
async def api(database: Database, own_valkey: Valkey) -> AsyncIterator[httpx.AsyncClient]:
    """An API with its limits on, behind a proxy of ours that tells the client's address."""
    settings = msgspec.structs.replace(
        settings_for(database, own_valkey, "sepakat_api"), limits="on", trusted_proxies=f"{PROXY}/32"
    )
    app = cast("Any", create_api(settings))
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(LifespanManager(app))
        transport = httpx.ASGITransport(app=app, client=(PROXY, 1))
        yield await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://test"))


def behind(api: httpx.AsyncClient, address: str) -> httpx.AsyncClient:
    """The same API, asked from this address."""
    return httpx.AsyncClient(transport=api._transport, base_url="http://test", headers={"x-forwarded-for": address})


async def use_up(client: httpx.AsyncClient, limit: Limit, **request: Any) -> httpx.Response:
    """Asks until refused; the refusal. The bucket fills while it is emptied, hence the reserve."""
    for _ in range(limit.at_once + 20):
        answer = await client.request(**request)
        if answer.status_code == 429:
            return answer
    pytest.fail(f"{limit.name} never refused")


async def test_too_many_are_refused_with_the_seconds_to_wait_and_others_are_not(api: httpx.AsyncClient) -> None:
    asked: dict[str, Any] = {
        "method": "POST",
        "url": f"/v1/enrolments/{uuid4()}/verification",
        "json": {"otp": "12345678"},
    }
    here, elsewhere = behind(api, "198.51.100.1"), behind(api, "198.51.100.2")
    refused = await use_up(here, BY_NAME["code"], **asked)
    told = refused.json()
    assert told["code"] == "too_many_requests"
    assert refused.headers["content-type"] == "application/problem+json"
    assert 1 <= int(refused.headers["retry-after"]) == told["retry_after_s"] <= 60
    assert (await elsewhere.request(**asked)).status_code == 422


async def test_of_many_at_once_over_processes_exactly_as_many_pass_as_may(own_valkey: Valkey) -> None:
    limit = Limit("test", [], "address", per_minute=1, at_once=25, when_away="open")
    processes = [Buckets(own_valkey.url, SECRET) for _ in range(4)]
    waits = await asyncio.gather(*(one.take([(limit, "somebody")]) for one in processes for _ in range(20)))
    assert Counter(wait == 0 for wait in waits) == {True: 25, False: 55}
    assert all(wait is not None and wait <= 60 for wait in waits)
    for one in processes:
        await one.close()


async def test_a_bucket_fills_again_and_a_refusal_takes_nothing(own_valkey: Valkey) -> None:
    fast = Limit("fast", [], "address", per_minute=600, at_once=1, when_away="open")
    slow = Limit("slow", [], "address", per_minute=1, at_once=2, when_away="open")
    buckets = Buckets(own_valkey.url, SECRET)
    assert await buckets.take([(fast, "a"), (slow, "a")]) == 0
    wait = await buckets.take([(fast, "a"), (slow, "a")])
    assert wait is not None
    assert 0 < wait <= 0.1
    await asyncio.sleep(wait)
    assert await buckets.take([(fast, "a"), (slow, "a")]) == 0, "the refusal took nothing of the slow one"
    await asyncio.sleep(0.1)
    long = await buckets.take([(fast, "a"), (slow, "a")])
    assert long is not None
    assert 50 < long <= 60
    await buckets.close()


async def test_an_owner_signs_in_while_others_use_up_all_they_can_with_the_id_of_that_phone(
    api: httpx.AsyncClient, database: Database
) -> None:
    mine = behind(api, "198.51.100.10")
    phone = await Phone(mine).enrol(await add_person(database))
    asked = {"purpose": "sign_in", "device_id": phone.device_id}
    for attacker in ("203.0.113.1", "203.0.113.2"):
        device, address = BY_NAME["sign_in_device"], BY_NAME["sign_in"]
        await use_up(behind(api, attacker), device, method="POST", url="/v1/challenges", json=asked)
        assert device.at_once < address.at_once
    await phone.sign_in()
    # Also behind the same address: a neighbour's phone is not this one.
    neighbour = await Phone(behind(api, "203.0.113.1")).enrol(await add_person(database))
    await neighbour.sign_in()
    await neighbour.refresh()


async def test_no_limit_before_signing_in_counts_a_person_alone() -> None:
    for limit in LIMITS:
        if limit.per in ("participant", "session"):
            app = create_api(Settings(database_url="", redis_url="redis://x", secret="x" * 32, env="local"))
            public = {f"{method} {path}" for method, path, handler in routes(app) if handler.opt.get("public")}
            assert not public & set(limit.routes), limit.name
            assert "public" not in limit.routes


async def test_somebody_signed_in_is_counted_wherever_they_ask_from(api: httpx.AsyncClient, database: Database) -> None:
    phone = await Phone(behind(api, "198.51.100.20")).enrol(await add_person(database))
    limit = BY_NAME["look_up"]
    answers = []
    for number in range(limit.at_once + 5):
        phone.api = behind(api, f"198.51.100.{number}")
        answers.append((await phone.post("/v1/cards/resolve", {"kpj": "99000000000"}, key="")).status_code)
    assert answers[: limit.at_once] == [404] * limit.at_once
    assert 429 in answers[limit.at_once :]
    assert (await phone.get("/v1/cards")).status_code == 200, "what is only read is not limited"
    assert (await phone.delete("/v1/sessions/current")).status_code == 204, "nor does one limit use up another"


async def test_a_forged_or_missing_token_uses_up_nobodys_requests(api: httpx.AsyncClient, database: Database) -> None:
    phone = await Phone(behind(api, "198.51.100.30")).enrol(await add_person(database))
    thief = behind(api, "203.0.113.9")
    for number in range(BY_NAME["look_up"].at_once + 10):
        token = phone.session["access_token"][:-4] + f"{number:04d}"
        answer = await thief.post(
            "/v1/cards/resolve", json={"kpj": "99000000000"}, headers={"authorization": f"Bearer {token}"}
        )
        assert answer.status_code == 401
    assert (await phone.post("/v1/cards/resolve", {"kpj": "99000000000"}, key="")).status_code == 404


async def test_while_valkey_is_away_each_limit_does_what_its_row_says(
    api: httpx.AsyncClient, database: Database, own_valkey: Valkey
) -> None:
    person = await add_person(database)
    phone = await Phone(behind(api, "198.51.100.40")).enrol(person)
    own_valkey.stop()
    refused = await phone.ask_enrolment(person)
    assert BY_NAME["enrolment"].when_away == "closed"
    assert (refused.status_code, refused.json()["code"]) == (503, "busy")
    assert refused.headers["retry-after"]
    assert BY_NAME["sign_in"].when_away == BY_NAME["look_up"].when_away == "open"
    await phone.sign_in()
    assert (await phone.post("/v1/cards/resolve", {"kpj": "99000000000"}, key="")).status_code == 404
    start_again(own_valkey)
    for _ in range(50):
        if (await phone.ask_enrolment(person)).status_code == 202:
            return
        await asyncio.sleep(0.1)
    pytest.fail("Valkey is back, and enrolments are still refused")


async def test_valkey_learns_neither_address_nor_person_nor_phone(
    api: httpx.AsyncClient, database: Database, own_valkey: Valkey
) -> None:
    person = await add_person(database)
    phone = await Phone(behind(api, "198.51.100.50")).enrol(person)
    await phone.sign_in()
    await phone.post("/v1/cards/resolve", {"kpj": person.kpjs[0]}, key="")
    async with Redis.from_url(own_valkey.url) as redis:
        await redis.script_flush()
        assert (await phone.post("/v1/cards/resolve", {"kpj": person.kpjs[0]}, key="")).status_code == 200
        keys = [key.decode() for key in await redis.keys("sepakat:limit:*")]
    assert {key.split(":")[2] for key in keys} >= {"enrolment", "code", "sign_in", "sign_in_device", "look_up"}
    for key in keys:
        assert re.fullmatch(r"sepakat:limit:[a-z_]+:[a-z2-7]{16}", key)


def test_every_route_of_the_table_exists_and_every_public_route_is_limited() -> None:
    settings = Settings(
        database_url="", redis_url="redis://localhost", secret="x" * 32, env="local", receipt_keys=RECEIPT_KEYS
    )
    app = create_api(settings)
    served = {f"{method} {path}" for method, path, _ in routes(app)}
    for limit in LIMITS:
        for route in limit.routes:
            assert route in (*served, "public", "changes"), f"{limit.name}: no such route as {route}"
    unlimited = [
        f"{method} {path}"
        for method, path, handler in routes(app)
        if not limits_of(LIMITS, method, path, handler) and (handler.opt.get("public") or method != "GET")
    ]
    assert sorted(unlimited) == ["GET /health/live", "GET /health/ready", "POST /local/clock"]
