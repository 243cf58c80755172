"""What every answer carries, and which other origins may read one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, cast

import httpx
import msgspec
import pytest
import pytest_asyncio
from asgi_lifespan import LifespanManager

from app.local.servers import Postgres, Valkey
from app.main import create_api
from app.platform.headers import ALWAYS
from app.settings import Settings, SettingsError, read
from tests.conftest import Database, settings_for
from tests.people import Phone, add_person

ORIGIN = "https://app.example.id"
PAGES = ("/stop/abc", "/docs")


async def answers_of_every_kind(api: httpx.AsyncClient, phone: Phone) -> dict[str, httpx.Response]:
    return {
        "json": await phone.get("/v1/me"),
        "not modified": await phone.get(
            "/v1/cards", headers={"if-none-match": (await phone.get("/v1/cards")).headers["etag"]}
        ),
        "401": await api.get("/v1/me"),
        "404 of a route": await phone.get("/v1/merges/01937f5e-7a40-7cc1-8f6e-3a2b1c0d9e8f"),
        "404 of no route": await api.get("/v1/nothing"),
        "405": await api.put("/v1/me"),
        "400": await api.post("/v1/enrolments", content=b"{", headers={"content-type": "application/json"}),
        "413": await api.post("/v1/enrolments", content=b" " * 70_000, headers={"content-type": "application/json"}),
        "stop": await api.get("/stop/abc"),
        "docs": await api.get("/docs"),
        "asset": await api.get("/docs/assets/start.js"),
        "openapi": await api.get("/openapi.json"),
        "jwks": await api.get("/.well-known/jwks.json"),
        "health": await api.get("/health/live"),
    }


async def test_every_answer_carries_them_and_pages_bring_their_own_policy(
    api: httpx.AsyncClient, database: Database
) -> None:
    phone = await Phone(api).enrol(await add_person(database))
    for kind, answer in (await answers_of_every_kind(api, phone)).items():
        for name, value in ALWAYS.items():
            found = answer.headers.get_list(name.decode())
            assert len(found) == 1, (kind, name)
            if name not in (b"content-security-policy", b"cache-control"):
                assert found == [value.decode()], kind
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy, kind
        assert "frame-ancestors 'none'" in policy, kind
        assert "strict-transport-security" not in answer.headers, "not over plain http on one's own machine"
        if kind not in ("jwks", "not modified"):
            assert "no-store" in answer.headers["cache-control"], kind
        assert "set-cookie" not in answer.headers, kind


@pytest_asyncio.fixture
async def deployed(database: Database, servers: tuple[Postgres, Valkey]) -> AsyncIterator[httpx.AsyncClient]:
    """The API as in production, with one web app's origin."""
    settings = msgspec.structs.replace(
        settings_for(database, servers[1], "sepakat_api"),
        env="production",
        cors_origins=f"{ORIGIN}, http://localhost:5173",
    )
    app = cast("Any", create_api(settings))
    async with (
        LifespanManager(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as client,
    ):
        yield client


async def test_production_tells_browsers_to_come_by_https_only(deployed: httpx.AsyncClient) -> None:
    for path in ("/health/live", "/v1/me", "/nothing"):
        assert (await deployed.get(path)).headers["strict-transport-security"].startswith("max-age=63072000")


async def test_a_page_of_an_origin_on_the_list_may_ask_without_signing_in_first(deployed: httpx.AsyncClient) -> None:
    asks = {"access-control-request-method": "POST", "access-control-request-headers": "authorization, idempotency-key"}
    for origin in (ORIGIN, "http://localhost:5173"):
        for path in ("/v1/merges", "/v1/me", "/v1/sessions"):
            answer = await deployed.options(path, headers={"origin": origin} | asks)
            assert answer.status_code == 204, path
            assert answer.headers["access-control-allow-origin"] == origin
            assert "access-control-allow-credentials" not in answer.headers
            allowed = answer.headers["access-control-allow-headers"].lower()
            assert "authorization" in allowed
            assert "idempotency-key" in allowed
        refused = await deployed.get("/v1/me", headers={"origin": origin})
        assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, origin)
        assert "Retry-After" in refused.headers["access-control-expose-headers"]
        assert "origin" in refused.headers["vary"].lower()


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "https://appxexample.id",
        f"{ORIGIN}.evil.example",
        f"{ORIGIN}:444",
        "http://app.example.id",
        "null",
    ],
)
async def test_no_other_origin_may_read_an_answer(deployed: httpx.AsyncClient, origin: str) -> None:
    for answer in (
        await deployed.get("/v1/me", headers={"origin": origin}),
        await deployed.options("/v1/me", headers={"origin": origin, "access-control-request-method": "GET"}),
    ):
        assert "access-control-allow-origin" not in answer.headers


async def test_by_default_there_is_no_list(api: httpx.AsyncClient) -> None:
    answer = await api.get("/v1/capabilities", headers={"origin": ORIGIN})
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CORS_ORIGINS", "*"),
        ("CORS_ORIGINS", "https://*.example.id"),
        ("CORS_ORIGINS", "https://app.example.id/"),
        ("CORS_ORIGINS", "http://app.example.id"),
        ("CORS_ORIGINS", "app.example.id"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("TRUSTED_PROXIES", "proxy.example.id"),
        ("FORWARDED_BY", "x-real-ip"),
        ("LIMITS", "off"),
        ("LIMITS", "no"),
    ],
)
def test_a_setting_of_the_edges_that_would_open_more_than_meant_is_refused(name: str, value: str) -> None:
    needed = {"SEPAKAT_DATABASE_URL": "x", "SEPAKAT_REDIS_URL": "x", "SEPAKAT_SECRET": "x" * 32}
    assert isinstance(read(needed), Settings)
    with pytest.raises(SettingsError, match=f"SEPAKAT_{name}"):
        read(needed | {f"SEPAKAT_{name}": value})
