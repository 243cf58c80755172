"""Malformed bodies to every route that takes one: refused in problem details, without a word written.

SHARE is the part of them that each route is sent, one in so many; `tests.prove` sends all to all.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.local.servers import Postgres, Valkey
from app.platform import strict_json
from tests.api_process import api_process
from tests.conftest import Apps, Database, settings_for
from tests.contract.malformed import JSON, LIMIT_BYTES, fitting_body, malformed
from tests.feed.conftest import sign
from tests.people import NewCard, Phone, add_person

SHARE = int(os.environ.get("SHARE", "10"))
SOME_ID = "01937f5e-7a40-7cc1-8f6e-3a2b1c0d9e8f"
REFUSALS = {"body_malformed", "body_too_large", "content_type_unsupported", "request_invalid"}


async def routes_with_bodies(api: httpx.AsyncClient) -> list[tuple[str, str, dict[str, Any]]]:
    """Method, path with some ids in it, and the smallest fitting body."""
    document = (await api.get("/openapi.json")).json()
    found = []
    for template, item in document["paths"].items():
        for method, operation in item.items():
            content = operation.get("requestBody", {}).get("content", {})
            if JSON in content:
                path = template.replace("{seq}", "1")
                for parameter in operation.get("parameters", []):
                    path = path.replace(f"{{{parameter['name']}}}", SOME_ID)
                body = fitting_body(content[JSON]["schema"], document["components"]["schemas"])
                found.append((method.upper(), path, body))
    return found


async def everything_written(database: Database) -> dict[str, str]:
    """A digest of every table."""
    connection = await database.connect()
    tables = await connection.fetch("SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public'")
    found = {
        row["name"]: await connection.fetchval(
            f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {row['name']} AS t"
        )
        for row in tables
    }
    await connection.close()
    return found


async def test_no_malformed_body_is_taken_and_none_leaves_a_trace(fresh_apps: Apps) -> None:
    api = fresh_apps.api
    phone = await Phone(api).enrol(await add_person(fresh_apps.database, NewCard(), NewCard()))
    routes = await routes_with_bodies(api)
    assert len(routes) > 25
    before = await everything_written(fresh_apps.database)
    sent = 0
    for number, (method, path, fitting) in enumerate(routes):
        for place, (what, raw, content_type) in enumerate(malformed(fitting)):
            if (place + number) % SHARE:
                continue
            headers = {"idempotency-key": uuid4().hex} | ({"content-type": content_type} if content_type else {})
            answer = await phone.request(method, path, content=raw, headers=headers)
            sent += 1
            told = f"{method} {path}: {what}: {answer.status_code} {answer.text[:300]}"
            assert answer.status_code in (400, 413, 415), told
            assert answer.headers["content-type"] == "application/problem+json", told
            assert answer.json()["code"] in REFUSALS, told
    assert await everything_written(fresh_apps.database) == before
    sys.stdout.write(f"\n{sent} malformed bodies to {len(routes)} routes")


async def test_nor_does_the_feed_take_one(fresh_apps: Apps) -> None:
    before = await everything_written(fresh_apps.database)
    bodies: dict[str, dict[str, Any]] = {
        "/feed/v1/events": {"events": [{"id": "e1", "type": "a.b", "data": {}}]},
        "/feed/v1/cases/search": {"case_search": {"limit": 1}},
    }
    for path, fitting in bodies.items():
        for what, raw, content_type in malformed(fitting):
            if what.startswith("64 KiB"):
                continue  # a batch of events may be larger
            answer = await fresh_apps.feed.post(path, content=raw, headers=sign(raw) | {"content-type": content_type})
            told = f"{path}: {what}: {answer.status_code} {answer.text[:300]}"
            assert answer.status_code in (400, 413, 415), told
            assert answer.json()["code"] in REFUSALS, told
    assert await everything_written(fresh_apps.database) == before


async def test_a_body_without_end_is_cut_off_at_the_limit(fresh_apps: Apps) -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        yield b'{"kpj": "'
        while True:
            taken += 1024
            yield b"9" * 1024

    answer = await fresh_apps.api.post("/v1/enrolments", content=endless(), headers={"content-type": JSON})
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert taken <= LIMIT_BYTES + 2048


async def test_who_sends_a_body_in_drops_is_not_waited_for(fresh_apps: Apps, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strict_json, "NEXT_PART_WITHIN_S", 0.05)

    async def drops() -> AsyncIterator[bytes]:
        yield b'{"kpj": "'
        await asyncio.sleep(60)

    answer = await fresh_apps.api.post("/v1/enrolments", content=drops(), headers={"content-type": JSON})
    assert (answer.status_code, answer.json()["code"]) == (400, "body_malformed")


async def test_over_a_real_connection_too(database: Database, servers: tuple[Postgres, Valkey], tmp_path: Any) -> None:
    """Chunked without end, a length that is not true, and one that is too large: the process answers, and lives on."""
    settings = settings_for(database, servers[1], "sepakat_api")
    head = b"POST /v1/enrolments HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"

    async def talk(port: int, *parts: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            for part in parts:
                writer.write(part)
                await writer.drain()
            writer.write_eof()
            return await asyncio.wait_for(reader.read(4096), 10)
        except (ConnectionError, BrokenPipeError):
            return b""  # it had enough
        finally:
            writer.close()

    async with api_process(settings, tmp_path / "api.log") as client:
        port = client.base_url.port or 0
        chunk = b"400\r\n" + b"9" * 1024 + b"\r\n"
        chunked = await talk(port, head + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * 100)
        assert b" 413 " in chunked or chunked == b""
        declared = await talk(port, head + b"Content-Length: 999999999\r\n\r\n{")
        assert b" 413 " in declared
        for odd in (
            b"Content-Length: -1",
            b"Content-Length: x",
            b"Content-Length: 5\r\nContent-Length: 6",
            b"Transfer-Encoding: x",
        ):
            answer = await talk(port, head + odd + b"\r\n\r\n{}")
            assert b" 5" not in answer.split(b"\r\n")[0], answer
        short = await talk(port, head + b'Content-Length: 100\r\n\r\n{"nik": "')
        assert b" 5" not in short.split(b"\r\n")[0], short
        assert (await client.get("/health/ready")).status_code == 200
    assert b"Traceback" not in (tmp_path / "api.log").read_bytes()
