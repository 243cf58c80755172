"""What cases need: the agency's core, and somebody whose cards it merged."""

from __future__ import annotations

import httpx
import pytest

from tests.cases.reports import Reported, reported_merge
from tests.conftest import Database
from tests.feed.conftest import Core


@pytest.fixture
def core(feed: httpx.AsyncClient, database: Database) -> Core:
    return Core(feed, database)


@pytest.fixture
async def reported(api: httpx.AsyncClient, database: Database, core: Core) -> Reported:
    return await reported_merge(api, database, core)
