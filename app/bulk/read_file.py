"""A file of money as batches of rows, read in a thread: whoever loads it keeps its event loop."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import IO, cast

from app.bulk.load import Batch, read_batches
from app.bulk.row import Form, Kind
from app.platform.tables import csv_lines

PACKED = ".gz"
PARQUET = ".parquet"
FORMS: dict[str, Form] = {".ndjson": "ndjson", ".jsonl": "ndjson", ".csv": "csv"}


class FileFormError(ValueError):
    """The name of the file does not say what it is."""


def form_of(path: Path) -> Form:
    """By the ending of its name; .gz after it is let be, and Parquet is read as lines of CSV. Raises FileFormError."""
    if path.suffix == PARQUET:
        return "csv"
    suffix = Path(path.stem).suffix if path.suffix == PACKED else path.suffix
    if suffix not in FORMS:
        raise FileFormError(
            f"{path.name}: the name ends with {', '.join(FORMS)}, or with one of them and {PACKED}, or with {PARQUET}"
        )
    return FORMS[suffix]


def file_source(path: Path, kind: Kind, now: datetime) -> Callable[[int], AsyncIterator[Batch]]:
    """What `load_run` loads; iterated, it raises TableRefused for Parquet that cannot be read. Raises FileFormError."""
    form = form_of(path)

    async def source(skip: int) -> AsyncIterator[Batch]:
        if path.suffix == PARQUET:
            async for batch in batches_of(csv_lines(path), kind, form, now, skip):
                yield batch
            return
        with gzip.open(path, "rb") if path.suffix == PACKED else path.open("rb") as file:
            async for batch in batches_of(cast("IO[bytes]", file), kind, form, now, skip):
                yield batch

    return source


async def batches_of(lines: Iterable[bytes], kind: Kind, form: Form, now: datetime, skip: int) -> AsyncIterator[Batch]:
    """The batches of lines, of an open file from where it stands."""
    batches = iter(read_batches(kind, form, lines, now, skip))
    while (batch := await asyncio.to_thread(next, batches, None)) is not None:
        yield batch
