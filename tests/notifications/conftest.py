"""The API in a process of its own, over real HTTP: httpx's ASGI transport holds answers back until they end."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from app.local.servers import Postgres, Valkey
from tests.conftest import DATA_KEYS, RECEIPT_KEYS, SECRET, Database
from tests.local.running_simulator import HOST, find_two_free_ports

START_WITHIN_S = 20.0


@pytest_asyncio.fixture(scope="session")
async def served(database: Database, servers: tuple[Postgres, Valkey]) -> AsyncIterator[httpx.AsyncClient]:
    port = find_two_free_ports()
    environment = {
        **os.environ,
        "SEPAKAT_ENV": "local",
        "SEPAKAT_DATABASE_URL": database.url("sepakat_api"),
        "SEPAKAT_REDIS_URL": servers[1].url,
        "SEPAKAT_SECRET": SECRET,
        "SEPAKAT_RECEIPT_KEYS": RECEIPT_KEYS,
        "SEPAKAT_DATA_KEYS": DATA_KEYS,
        "SEPAKAT_STREAM_LOOK_EVERY_S": "4",
    }
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--factory", "--host", HOST, "--port", str(port)]
    command += ["--workers", "1", "--workers-kill-timeout", "2", "--no-access-log", "app.main:create_api"]
    with _start(command, environment) as process:
        try:
            async with httpx.AsyncClient(base_url=f"http://{HOST}:{port}", timeout=10) as client:
                await _await_ready(client)
                yield client
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _start(command: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, env=environment)


async def _await_ready(client: httpx.AsyncClient) -> None:
    deadline = time.monotonic() + START_WITHIN_S
    while time.monotonic() < deadline:
        try:
            if (await client.get("/health/ready")).status_code == 200:
                return
        except httpx.TransportError:
            await asyncio.sleep(0.1)
    pytest.fail("the API did not answer in time")
