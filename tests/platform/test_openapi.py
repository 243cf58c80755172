from __future__ import annotations

import re
from typing import Any, cast

import httpx
import pytest
from litestar import Litestar, get

from app.platform.openapi import openapi_config, openapi_routes


@get("/v1/cards", sync_to_thread=False)
def list_cards() -> dict[str, int]:
    """Every card ever held."""
    return {}


@pytest.fixture
def client() -> httpx.AsyncClient:
    app = Litestar([list_cards, *openapi_routes], openapi_config=openapi_config())
    return httpx.AsyncClient(transport=httpx.ASGITransport(cast("Any", app)), base_url="http://localhost")


async def test_the_schema_is_served_as_openapi_3_1(client: httpx.AsyncClient) -> None:
    schema = (await client.get("/openapi.json")).json()
    assert schema["openapi"].startswith("3.1")
    assert schema["info"]["title"] == "Sepakat"
    assert list(schema["paths"]) == ["/v1/cards"]


async def test_the_docs_ask_no_other_host_and_all_they_ask_for_is_here(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "//" not in page.text
    assert "connect-src 'self'" in page.text
    assert re.findall(r"<script(?! src=)", page.text) == [], "the policy forbids inline scripts"
    asked = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
    assert len(asked) == 3
    for path in asked:
        asset = await client.get(path)
        assert asset.status_code == 200, path
        assert asset.headers["content-type"].split(";")[0] in ("text/css", "text/javascript")
        assert "@import" not in asset.text
    assert "validatorUrl: null" in asset.text, "the last one is our own: it must not ask the online validator"


@pytest.mark.parametrize(
    "path",
    [
        "/docs/assets/",
        "/docs/assets/../__init__.py",
        "/docs/assets/%2e%2e/__init__.py",
        "/docs/assets/..%2f__init__.py",
        "/docs/assets//etc/passwd",
        "/docs/assets/nothing.js",
        "/docs/nothing",
    ],
)
async def test_nothing_beside_the_assets_can_be_fetched(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 404
