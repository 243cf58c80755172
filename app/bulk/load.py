"""A file of money into the staging tables: every line taken in or refused, then everything checked as a whole."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from app.bulk.row import BulkRow, Form, Kind, RefusedRow, RowReader
from app.platform.sql import load

SQL = load("bulk/load")
BATCH_ROWS = 20_000
CHECKED_AT_ONCE = 20_000
COLUMNS = ("line", "event_id", "kpj", "amount", "effective_on", "year", "month", "employer_id")


class LoadError(Exception):
    """The file is not loaded; the text says why and what to do."""


class LoadingError(LoadError):
    """Another load is running."""

    def __init__(self) -> None:
        super().__init__("Another load is running in this database: wait until it ends, then start this one again.")


class Batch(msgspec.Struct, frozen=True):
    """Some rows of a source, in its order. `lines` is the last line read so far, `digest` the SHA-256 of all up to it."""

    rows: Sequence[BulkRow | RefusedRow]
    lines: int
    digest: bytes


async def load_run(
    connection: asyncpg.Connection[Any],
    name: str,
    kind: Kind,
    source: Callable[[int], AsyncIterator[Batch]],
    told: Callable[[int], None] = lambda _: None,
) -> UUID:
    """Stages all that `source` brings under this name, as sepakat_feed, and checks it. The id of the run.

    `source` is asked with the number of lines that are in already: a batch of it must end there, and may be empty. A load
    that was cut off goes on behind the last line it took in; one that is whole changes nothing. `told` gets the lines that
    are in. Raises LoadError: another file has this name, or another load is running.
    """
    if not await connection.fetchval(SQL["lock_loads"]):
        raise LoadingError
    try:
        await connection.execute(SQL["begin_run"], name, kind)
        (run,) = await connection.fetch(SQL["find_run"], name)
        run_id: UUID = run["run_id"]
        if run["kind"] != kind:
            raise LoadError(f"The run {name} is one of {run['kind']}: give this one another name.")
        last: Batch | None = None
        async for batch in source(run["lines"]):
            last = batch
            if batch.lines > run["lines"]:
                if run["state"] != "loading":
                    raise LoadError(f"Another file was loaded as {name}, and it is whole: give this one another name.")
                await _take(connection, run_id, batch)
            elif batch.lines == run["lines"]:
                _compare(name, batch.digest, run["content_hash"])
            told(batch.lines)
        if last is None or last.lines < run["lines"]:
            raise LoadError(f"The file loaded as {name} is longer: give this one another name.")
        if run["state"] == "loading":
            await finish(connection, run_id)
        return run_id
    finally:
        await connection.execute(SQL["unlock_loads"])


async def finish(connection: asyncpg.Connection[Any], run_id: UUID) -> None:
    """Checks every staged row as things stand, and lets the run be posted. May be called again after a crash."""
    async with connection.transaction():
        await connection.execute(SQL["wait_for_events"])
    after = UUID(int=0)
    while (upto := await connection.fetchval(SQL["next_participants"], run_id, after, CHECKED_AT_ONCE)) is not None:
        await connection.execute(SQL["check_rows"], run_id, after, upto)
        after = upto
    await connection.execute(SQL["finish"], run_id)


def read_batches(kind: Kind, form: Form, lines: Iterable[bytes], now: datetime, skip: int = 0) -> Iterable[Batch]:
    """The batches of a file. Lines up to `skip` are hashed and not read: a batch ends there. Raises HeaderError."""
    reader, digest = RowReader(kind, form, now), hashlib.sha256()
    rows: list[BulkRow | RefusedRow] = []
    number = 0
    for number, line in enumerate(lines, 1):
        digest.update(line)
        if number > skip or number == 1:
            row = reader.read(number, line)
            if row is not None and number > skip:
                rows.append(row)
        if number == skip or len(rows) >= BATCH_ROWS:
            yield Batch(rows, number, digest.digest())
            rows = []
    yield Batch(rows, number, digest.digest())


def _compare(name: str, digest: bytes, taken: bytes) -> None:
    if digest != taken:
        raise LoadError(f"Another file was loaded as {name}: give this one another name.")


async def _take(connection: asyncpg.Connection[Any], run_id: UUID, batch: Batch) -> None:
    """One batch, all of it or nothing."""
    good = [row for row in batch.rows if isinstance(row, BulkRow)]
    bad = [row for row in batch.rows if isinstance(row, RefusedRow)]
    async with connection.transaction():
        if good:
            await connection.execute(SQL["empty_lines"])
            records = [msgspec.structs.astuple(row) for row in good]
            await connection.copy_records_to_table("bulk_lines", records=records, columns=COLUMNS)
            await connection.execute(SQL["take_lines"], run_id)
        if bad:
            await connection.execute(SQL["refuse_lines"], run_id, msgspec.json.encode(bad).decode())
        await connection.execute(SQL["advance"], run_id, batch.lines, batch.digest)
