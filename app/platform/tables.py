"""Rows of a CSV or Parquet file in bounded memory, checked by the same rules whichever it is.

Every cell becomes text first, and text becomes a value by the reader of its column: a number typed in Parquet and one written in
CSV are judged by one rule. What cannot be read becomes a RefusedRow and never stops the others. Columns whose names begin
with `refused_` are passed over, so that a file of refused rows can be corrected and read again as it is.
"""

from __future__ import annotations

import csv
import hashlib
import io
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

import msgspec

from app.platform.table_csv import CsvSource, open_lines
from app.platform.table_parquet import MAGIC, ParquetSource
from app.platform.table_problems import BadLine, FieldError, TableRefused

__all__ = [
    "Column",
    "FieldError",
    "Refusal",
    "RefusedRow",
    "Row",
    "Table",
    "TableRefused",
    "csv_lines",
    "hash_file",
    "open_source",
    "open_table",
]

REFUSED_PREFIX = "refused_"
MALFORMED = "row_malformed"


class Column(msgspec.Struct, frozen=True):
    """A column by its name. `read` takes a cell's text without surrounding spaces and raises FieldError with the reason; a
    `required` one may not be empty, and of the others an empty one is left out of the values.
    """

    name: str
    read: Callable[[str], Any]
    required: bool = True


class Row(msgspec.Struct, frozen=True, gc=False):
    """What could be read. `number` is the line of a CSV file (the header is line 1), or the row of a Parquet file, from 1."""

    number: int
    values: dict[str, Any]


class Refusal(msgspec.Struct, frozen=True):
    """Why a row is refused. `field` is empty when the whole row is meant. `reason` never repeats a value."""

    number: int
    field: str
    reason: str
    code: str = MALFORMED


class RefusedRow(msgspec.Struct, frozen=True):
    """A row that cannot be taken, and what could be read of it: `values`, or `line`, the start of one without columns."""

    number: int
    refusals: tuple[Refusal, ...]
    values: dict[str, Any] = {}
    line: bytes = b""


class Source(Protocol):
    """A file as rows of text: the cells in the order of `columns`, '' where there is nothing."""

    columns: list[str]

    def __iter__(self) -> Iterator[tuple[int, list[str] | BadLine]]: ...


class Table:
    """The rows of a source, read by its columns. Iterate it once."""

    def __init__(self, source: Source, columns: Sequence[Column]) -> None:
        """Raises TableRefused when the file has other columns than these, in any order."""
        named = {column.name: column for column in columns}
        found = [name for name in source.columns if not name.startswith(REFUSED_PREFIX)]
        if sorted(found) != sorted(named):
            raise TableRefused(f"the header needs exactly the columns {','.join(named)}")
        self._source = source
        self._places = [(place, named[name]) for place, name in enumerate(source.columns) if name in named]

    def __iter__(self) -> Iterator[Row | RefusedRow]:
        """Raises TableRefused where the file cannot be read on."""
        for number, cells in self._source:
            if isinstance(cells, BadLine):
                yield RefusedRow(number, (Refusal(number, "", cells.reason),), line=cells.line)
            else:
                yield self._read(number, cells)

    def _read(self, number: int, cells: list[str]) -> Row | RefusedRow:
        values: dict[str, Any] = {}
        refusals: list[Refusal] = []
        for place, column in self._places:
            cell = cells[place]
            if not cell:
                if column.required:
                    refusals.append(Refusal(number, column.name, "is empty"))
                continue
            try:
                _refuse_unreadable(cell)
                values[column.name] = column.read(cell)
            except FieldError as error:
                refusals.append(Refusal(number, column.name, str(error)))
        return RefusedRow(number, tuple(refusals), values) if refusals else Row(number, values)


def open_table(path: Path, columns: Sequence[Column]) -> Table:
    """A file that holds exactly these columns, in any order. Raises TableRefused, or OSError."""
    return Table(open_source(path), columns)


def open_source(path: Path) -> CsvSource | ParquetSource:
    """CSV, gzip of it, or Parquet, told apart by the first bytes. Raises TableRefused, or OSError."""
    with path.open("rb") as stream:
        start = stream.read(len(MAGIC))
    return ParquetSource(path) if start == MAGIC else CsvSource(open_lines(path))


def hash_file(path: Path) -> bytes:
    """SHA-256 of a file as it lies there. Raises OSError."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()


def csv_lines(path: Path) -> Iterator[bytes]:
    """A file as lines of CSV, its header first, for whoever reads lines: Parquet, too. Raises TableRefused, or OSError."""
    source = open_source(path)
    if isinstance(source, CsvSource):
        yield from open_lines(path)
        return
    line = io.StringIO()
    writer = csv.writer(line, lineterminator="\n")
    for cells in chain((source.columns,), (cells for _, cells in source if not isinstance(cells, BadLine))):
        writer.writerow(cells)
        yield line.getvalue().encode()
        line.seek(0)
        line.truncate()


def _refuse_unreadable(cell: str) -> None:
    if cell.isascii():
        if not cell.isprintable():
            raise FieldError("has a control character")
    elif any(unicodedata.category(character) == "Cs" for character in cell):
        raise FieldError("is not valid UTF-8; save the file as CSV UTF-8")
