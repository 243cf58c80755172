"""The API in a process of its own, over real HTTP, where ASGI would hold answers back; and climbers over real SMTP and SMS."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
import pytest_asyncio
from msgspec import structs

from app.local.servers import Postgres, Valkey
from app.notifications.climb import Climber
from app.platform.database import Pool, connect
from app.platform.mail import MailServer
from app.platform.sms import SmsGateway
from tests.conftest import DATA_KEYS, RECEIPT_KEYS, SECRET, Apps, Database, settings_for
from tests.local.running_simulator import HOST, RunningSimulator, find_two_free_ports
from tests.notifications.told import ORIGIN

START_WITHIN_S = 20.0
STALL_S = 2
MakeClimber = Callable[..., Climber]


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
        "SEPAKAT_STREAM_LOOK_EVERY_S": "2",
        "SEPAKAT_STREAM_STALL_S": str(STALL_S),
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


@pytest_asyncio.fixture
async def pool(fresh_apps: Apps) -> AsyncIterator[Pool]:
    pool = await connect(fresh_apps.database.url("sepakat_worker"), size=10, application="tests")
    yield pool
    await pool.close()


@pytest_asyncio.fixture
async def new_climber(
    pool: Pool, simulator: RunningSimulator, fresh_apps: Apps, servers: tuple[Postgres, Valkey]
) -> AsyncIterator[MakeClimber]:
    """Makes climbers as separate workers would have: each with its own connections and its own memory of pauses."""
    settings = structs.replace(settings_for(fresh_apps.database, servers[1], "sepakat_worker"), public_origin=ORIGIN)
    mails: list[MailServer] = []
    gateways: list[SmsGateway] = []

    def make(*, mail: bool = True, sms: bool = True) -> Climber:
        mails.append(MailServer(f"smtp://127.0.0.1:{simulator.smtp_port}", "Sepakat <s@sepakat.example>"))
        gateways.append(SmsGateway(f"{simulator.base_url}/sms"))
        return Climber(pool, mails[-1] if mail else None, gateways[-1] if sms else None, settings)

    yield make
    for mail_server in mails:
        await mail_server.close()
    for gateway in gateways:
        await gateway.close()


@pytest.fixture
def climber(new_climber: MakeClimber) -> Climber:
    return new_climber()
