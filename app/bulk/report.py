"""What became of a run, to the rupiah: what was staged, what the ledger has of it, what was refused and why."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from app.bulk.load import CHECKED_AT_ONCE
from app.bulk.load import SQL as LOAD
from app.bulk.row import REASONS, Kind, columns_of
from app.bulk.run import show_run
from app.platform.sql import load
from app.platform.table_writer import FORMS as TABLES
from app.platform.table_writer import TableWriter, open_for_its_owner

SQL = load("bulk/report")
PAGE = 5_000
TOLD = ("line", "code", "reason", "content")
WHOLE = ("amount", "year", "line")


class Sums(msgspec.Struct):
    """Rows and whole rupiah. `waiting` rows are neither posted nor refused yet. `posted` is counted in the ledger itself."""

    staged: int = 0
    staged_amount: int = 0
    posted: int = 0
    posted_amount: int = 0
    refused: int = 0
    refused_amount: int = 0
    waiting: int = 0
    waiting_amount: int = 0

    @property
    def even(self) -> bool:
        """Whether every row and every rupiah staged is posted, refused or waiting."""
        return (
            self.staged == self.posted + self.refused + self.waiting
            and self.staged_amount == self.posted_amount + self.refused_amount + self.waiting_amount
        )


class Report(msgspec.Struct, frozen=True):
    """`days`: the days that the money counts from, `None` for lines on which no day can be read. `refused_for`: rows by code.

    `reconciles`: every day is even, nothing waits that the run calls settled, and the counters of the run, which were kept
    chunk by chunk, say what the tables say now.
    """

    name: str
    kind: Kind
    state: str
    total: Sums
    days: dict[date | None, Sums]
    refused_for: dict[str, int]
    reconciles: bool


class RefusedLine(msgspec.Struct, frozen=True):
    """A row that was refused: `content` is the row as JSON, or the line as it came."""

    line: int
    code: str
    detail: str | None
    amount: int
    content: str

    @property
    def reason(self) -> str:
        """What its sender can do."""
        return REASONS[self.code] + (f" ({self.detail})" if self.detail else "")


async def report(connection: Any, name: str) -> Report:
    """Counts everything anew, some participants at a time, as of one instant. Raises RunError when no run has this name."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        return await _count(connection, name)


async def _count(connection: Any, name: str) -> Report:
    run = await show_run(connection, name)
    days: defaultdict[date | None, Sums] = defaultdict(Sums)
    after = UUID(int=0)
    next_participants = LOAD["next_participants"]
    while (upto := await connection.fetchval(next_participants, run.run_id, after, CHECKED_AT_ONCE)) is not None:
        for row in await connection.fetch(SQL["count_rows"], run.run_id, after, upto):
            day = days[row["day"]]
            day.staged += row["staged"]
            day.staged_amount += int(row["staged_amount"])
            day.posted += row["posted"]
            day.posted_amount += int(row["posted_amount"])
            day.waiting += row["staged"] - row["posted"]
            day.waiting_amount += int(row["waiting_amount"])
        after = upto
    refused_for: defaultdict[str, int] = defaultdict(int)
    for row in await connection.fetch(SQL["count_refusals"], run.run_id):
        day = days[row["day"]]
        day.staged += row["refused"]
        day.staged_amount += int(row["refused_amount"])
        day.refused += row["refused"]
        day.refused_amount += int(row["refused_amount"])
        refused_for[row["code"]] += row["refused"]
    total = Sums()
    for day in days.values():
        # What is not in the ledger is waiting, to the rupiah; where nothing waits, nothing may be missing.
        if day.waiting:
            day.waiting_amount = day.staged_amount - day.posted_amount - day.refused_amount
        for field in Sums.__struct_fields__:
            setattr(total, field, getattr(total, field) + getattr(day, field))
    kept = (run.rows, int(run.amount), run.posted, int(run.posted_amount), run.refused, int(run.refused_amount))
    found = (total.staged, total.staged_amount, total.posted, total.posted_amount, total.refused, total.refused_amount)
    reconciles = (
        all(day.even for day in days.values()) and kept == found and (run.state != "done" or total.waiting == 0)
    )
    return Report(run.name, run.kind, run.state, total, dict(days), dict(refused_for), reconciles)


async def page_of_refusals(connection: Any, run_id: UUID, after: int, limit: int) -> list[RefusedLine]:
    """Refused rows in the order of the file, after one line."""
    rows = await connection.fetch(SQL["list_refusals"], run_id, after, limit)
    return [msgspec.convert(dict(row), RefusedLine) for row in rows]


async def write_refusals(connection: Any, name: str, path: Path) -> int:
    """Writes the refused rows as a file in the form that they came in, each with line, code and reason. How many.

    By its name it is CSV (`.csv`, `.csv.gz`), Parquet (`.parquet`) or else NDJSON. A line that is no row stands in `content`.
    Raises RunError, OSError, TableRefused where Parquet is not installed.
    """
    run = await show_run(connection, name)
    written, after = 0, 0
    with _open_writer(path, run.kind) as write:
        while page := await page_of_refusals(connection, run.run_id, after, PAGE):
            write([as_row(refusal) for refusal in page])
            written += len(page)
            after = page[-1].line
    return written


def as_row(refusal: RefusedLine) -> dict[str, Any]:
    """The row with its line, code and reason; `content` where it is none."""
    try:
        row = json.loads(refusal.content)
    except ValueError:
        row = None
    if not isinstance(row, dict) or refusal.code == "row_malformed":
        row = {"content": refusal.content}
    return row | {"line": refusal.line, "code": refusal.code, "reason": refusal.reason}


@contextmanager
def _open_writer(path: Path, kind: Kind) -> Iterator[Callable[[list[dict[str, Any]]], object]]:
    if path.name.endswith(tuple(TABLES)):
        columns = {name: int if name in WHOLE else str for name in (*columns_of(kind), *TOLD)}
        with TableWriter(path, columns) as table:
            yield lambda rows: table.write([[row.get(name) for name in columns] for row in rows])
    else:
        with open_for_its_owner(path) as file:
            yield lambda rows: file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
