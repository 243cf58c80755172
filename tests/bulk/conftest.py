"""Runs of money, loaded and posted as the commands do it, in the feed's role."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest_asyncio

from app.bulk.load import load_run, read_batches
from app.bulk.post import post
from app.bulk.row import Form, Kind
from app.bulk.run import Run, resume, show_run
from tests.conftest import Database
from tests.merges.conftest import cool_off, core, maya, reported, settle_due, wait  # noqa: F401 - fixtures

_ids = itertools.count()
_RUN = os.urandom(4).hex()


def new_name(of: str = "run") -> str:
    """A name, or an event id, that was never used."""
    return f"{of}-{_RUN}-{next(_ids)}"


def growth(kpj: str, amount: int, year: int = 2025, **around: Any) -> dict[str, Any]:
    return {"event_id": new_name("growth"), "kpj": kpj, "year": year, "amount": amount} | around


def contribution(kpj: str, amount: int, month: str = "2026-02", **around: Any) -> dict[str, Any]:
    row = {"event_id": new_name("paid"), "kpj": kpj, "employer_id": "E-1", "month": month, "amount": amount}
    return row | {"paid_on": "2026-03-02"} | around


def as_lines(rows: list[dict[str, Any]]) -> list[bytes]:
    return [json.dumps(row).encode() + b"\n" for row in rows]


class Bulk:
    """Loads and posts, and looks at what came of it."""

    def __init__(self, feed: asyncpg.Connection[Any], admin: asyncpg.Connection[Any]) -> None:
        self.feed, self.admin = feed, admin

    async def load(
        self, lines: list[bytes], kind: Kind = "growth", *, form: Form = "ndjson", name: str | None = None
    ) -> Run:
        name = name or new_name()
        now = await self.feed.fetchval("SELECT current_instant()")

        async def batches(skip: int) -> AsyncIterator[Any]:
            for batch in read_batches(kind, form, lines, now, skip):
                yield batch

        await load_run(self.feed, name, kind, batches)
        return await show_run(self.feed, name)

    async def post(self, run: Run) -> Run:
        run = await resume(self.feed, run.name)
        await post(self.feed, run.run_id)
        return await show_run(self.feed, run.name)

    async def book(self, rows: list[dict[str, Any]], kind: Kind = "growth") -> Run:
        """Loads and posts."""
        return await self.post(await self.load(as_lines(rows), kind))

    async def refusals(self, run: Run) -> dict[int, str]:
        rows = await self.admin.fetch("SELECT line, code FROM bulk_refusals WHERE run_id = $1", run.run_id)
        return {row["line"]: row["code"] for row in rows}


@pytest_asyncio.fixture
async def bulk(database: Database) -> AsyncIterator[Bulk]:
    feed, admin = await database.connect("sepakat_feed"), await database.connect()
    yield Bulk(feed, admin)
    await feed.close()
    await admin.close()
