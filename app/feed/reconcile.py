"""Lays the core's whole book beside ours: a core that merged and never said so is found by it.

What agrees is remembered set by set. Everything else goes the way of `balance.reported`, one event a card: it opens a case,
tells the participant and holds their merges, and a second run with the same figures tells nobody again.
"""

from __future__ import annotations

import asyncio
import csv
from datetime import date, datetime
from itertools import islice
from pathlib import Path

import msgspec

from app.feed.receive import receive_event
from app.feed.reconcile_file import BookRefusedError, read_book
from app.feed.settle import Desk
from app.platform.database import Connection, Pool, new_id
from app.platform.jobs import Doorbell
from app.platform.sql import load
from app.platform.table_writer import open_for_its_owner
from app.platform.tables import hash_file
from app.settings import Settings

SQL = load("feed/reconcile")
CHUNK = 10_000
# Statements over the whole file; a pool's statements are those of a request.
LONG_S = 86_400.0
STAGED_AT_ONCE = 50_000
STAGED = ("line", "kpj", "theirs", "status")
AT_ONCE = 4
OUTCOMES = {
    "balance_agrees": "agrees",
    "balance_explained": "explained",
    "balance_differs": "differs",
    "case_opened": "differs",
    "report_outdated": "outdated",
}
"""Of a comparison; a rejected one keeps its code."""


class Found(msgspec.Struct, frozen=True):
    """Cards of one outcome, and the sums of both books, whole rupiah."""

    cards: int
    theirs: int
    ours: int


class Report(msgspec.Struct, frozen=True):
    """`outcomes`: agrees, explained (by a merge that one side has done and the other has not), differs, outdated (a later day
    was compared before), unknown_here, without_savings, stands_twice, missing, or the code of a rejection. `missing`: cards with
    savings here that the file does not have; compared as zero they have an outcome of their own. `opened` cases are new.
    `stopped`: they became too many, and the rest was not compared.
    """

    as_of: date
    outcomes: dict[str, Found]
    missing: int
    opened: int
    stopped: bool

    @property
    def agrees(self) -> bool:
        """Whether nothing is left to look at."""
        return not self.stopped and self.outcomes.keys() <= {"agrees", "explained"}


class BusyError(RuntimeError):
    """Another reconciliation is running in this database."""


class Reconciliation:
    """One run. `doorbell` has whom to ring for afterwards."""

    def __init__(self, pool: Pool, settings: Settings, as_of: date, *, most_cases: int) -> None:
        self.doorbell = Doorbell()
        self._desk = Desk(pool, settings, self.doorbell)
        self._pool, self._as_of, self._most_cases = pool, as_of, most_cases
        self._run_id = new_id()
        self._opened = 0

    async def run(self, book: Path, *, missing_is_zero: bool = False, others: Path | None = None) -> Report:
        """Compares a file. `missing_is_zero`: the file is the whole book, so that a card that is not in it holds nothing there.

        `others` is a CSV file for whatever does not agree. Raises BookRefusedError, before anything is compared; BusyError.
        """
        async with self._pool.acquire() as connection:
            if not await connection.fetchval(SQL["lock"]):
                raise BusyError
            try:
                return await self._run(connection, book, missing_is_zero=missing_is_zero, others=others)
            finally:
                await connection.execute(SQL["unlock"])

    async def _run(self, connection: Connection, book: Path, *, missing_is_zero: bool, others: Path | None) -> Report:
        now = await connection.fetchrow(SQL["now"])
        if now is None or self._as_of > now["today"]:
            raise BookRefusedError(f"{self._as_of} lies ahead: nothing can be compared with it yet")
        last = await _stage(connection, book)
        if missing_is_zero:
            await _doubt_whole(connection)
        for first in range(1, last + 1, CHUNK):
            await connection.execute(SQL["agree"], first, first + CHUNK - 1, self._as_of, timeout=LONG_S)
        await self._compare_open(connection)
        missing: int = await connection.fetchval(
            SQL["add_missing"], last, None if missing_is_zero else "missing", timeout=LONG_S
        )
        await self._compare_open(connection)
        rows = await connection.fetch(SQL["report"], timeout=LONG_S)
        outcomes = {row["outcome"]: msgspec.convert(dict(row), Found) for row in rows}
        report = Report(self._as_of, outcomes, missing, self._opened, "not_compared" in outcomes)
        if others is not None:
            await _write_others(connection, others)
        kept = msgspec.to_builtins(report)
        await connection.execute(SQL["keep"], self._run_id, hash_file(book), self._as_of, now["instant"], kept)
        return report

    async def _compare_open(self, connection: Connection) -> None:
        """One event for each line that has no outcome yet, some at once, until too many cases were opened."""
        line = 0
        while self._opened < self._most_cases and (
            rows := await connection.fetch(SQL["open"], line, CHUNK, timeout=LONG_S)
        ):
            line = rows[-1]["line"]
            outcomes: list[str] = []
            while self._opened < self._most_cases and len(outcomes) < len(rows):
                some = rows[len(outcomes) : len(outcomes) + AT_ONCE]
                outcomes += await asyncio.gather(*(self._compare(**row) for row in some))
            lines = [row["line"] for row in rows[: len(outcomes)]]
            await connection.execute(SQL["settle"], lines, outcomes)

    async def _compare(self, line: int, kpj: str, theirs: int, status: str, today: datetime) -> str:
        data = {"kpj": kpj, "as_of": self._as_of.isoformat(), "balance": theirs, "status": status}
        event = {
            "id": f"reconcile:{self._run_id.hex}:{line}",
            "type": "balance.reported",
            "occurred_at": today.isoformat(),
            "data": data,
        }
        result = await receive_event(self._desk, event, [])
        self._opened += result.code == "case_opened"
        return OUTCOMES.get(result.code or "", result.code or result.outcome)


async def _stage(connection: Connection, book: Path) -> int:
    """The file in a table of its own; the number of its last line. A card that stands twice is compared with neither figure."""
    await connection.execute(SQL["forget"])
    told = read_book(book)
    while lines := list(islice(told, STAGED_AT_ONCE)):
        await connection.copy_records_to_table("reconciled_cards", records=lines, columns=STAGED, timeout=LONG_S)
    await connection.execute(SQL["mark_doubles"], timeout=LONG_S)
    last: int = await connection.fetchval(SQL["last_line"])
    return last


async def _doubt_whole(connection: Connection) -> None:
    """Raises BookRefusedError for a file that has not half of our cards: it was cut at the end of a line, or is another one."""
    in_file, here = await connection.fetchrow(SQL["count_shares"], timeout=LONG_S) or (0, 0)
    if in_file * 2 < here:
        raise BookRefusedError(f"{in_file:,} cards are no whole book, with savings on {here:,} here; leave --whole out")


async def _write_others(connection: Connection, path: Path) -> None:
    with open_for_its_owner(path) as file:
        writer = csv.writer(file)
        writer.writerow(("kpj", "theirs", "ours", "outcome"))
        line = 0
        while rows := await connection.fetch(SQL["others"], line, CHUNK, timeout=LONG_S):
            writer.writerows((row["kpj"], row["theirs"], row["ours"], row["outcome"]) for row in rows)
            line = rows[-1]["line"]
