"""One instance for all stories: the real processes with the demo people, each of whom has one story."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from io import StringIO
from pathlib import Path

import asyncpg
import pytest_asyncio
from rich.console import Console

from app.local.run import Running
from app.local.story import Stage, stage

Scene = tuple[Stage, Running, "asyncpg.Connection[asyncpg.Record]"]


@pytest_asyncio.fixture(scope="session")
async def scene() -> AsyncIterator[Scene]:
    with tempfile.TemporaryDirectory(prefix="sepakat-story-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        async with stage(folder, Console(file=StringIO())) as (on, running):
            database = await asyncpg.connect(running.admin_url)
            yield on, running, database
            await database.close()
