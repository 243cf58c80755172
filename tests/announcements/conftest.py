"""Announcements as the agency sends them, and as workers carry them out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias

import pytest
import pytest_asyncio

from app.announcements import publish
from app.local.servers import Postgres, Valkey
from app.platform import database as pools
from app.platform.database import Pool
from app.platform.jobs import Jobs
from tests.conftest import SECRET, Apps, Database
from tests.feed.conftest import Core, event

TITLE = {"id": "Hasil pengembangan 2026", "en": "Growth for 2026"}
BODY = {"id": "Saldo JHT setiap kartu bertambah malam ini.", "en": "The JHT balance of every card grows tonight."}
Tell = Callable[..., Awaitable[int]]
Connection: TypeAlias = Any  # of asyncpg, whose rows may be None to a type checker


def announcement(audience: dict[str, Any], **data: Any) -> dict[str, Any]:
    """An event that publishes one; `data` overrides its members."""
    plain = {"audience": audience, "title": TITLE, "body": BODY, "severity": "info"}
    return event("announcement.published", plain | data)


@pytest.fixture
def core(own_apps: Apps) -> Core:
    return Core(own_apps.feed, own_apps.database)


@pytest_asyncio.fixture(scope="module")
async def pool(own_database: Database) -> AsyncIterator[Pool]:
    opened = await pools.connect(own_database.url("sepakat_worker"), size=3, application="tests")
    yield opened
    await opened.close()


@pytest_asyncio.fixture(scope="module")
async def tell(pool: Pool, servers: tuple[Postgres, Valkey]) -> AsyncIterator[Tell]:
    """Carries out what is published, as a worker does, and returns how many were told."""
    jobs = Jobs(servers[1].url, SECRET)

    async def run(**sizes: int) -> int:
        return await publish.publish(pool, jobs, **sizes)

    yield run
    await jobs.close()


@pytest_asyncio.fixture
async def connection(own_database: Database) -> AsyncIterator[Connection]:
    opened = await own_database.connect()
    yield opened
    await opened.close()
