"""The core's balances from a file: CSV, Parquet, or NDJSON where its name says so; CSV and NDJSON packed with gzip or not.

A row is one card: its number, its balance in whole rupiah, and, if given, its status.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from app.feed.event import Balance, Kpj, ToldStatus
from app.platform.table_csv import MAX_LINE_BYTES, open_lines
from app.platform.table_problems import BadLine, TableRefused
from app.platform.tables import open_source

COLUMNS = ("kpj", "balance", "status")
Line = tuple[int, str, int, str]


class Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One card in the core's book."""

    kpj: Kpj
    balance: Balance
    status: ToldStatus = "active"


class BookRefusedError(ValueError):
    """The file cannot be compared: which line, and why. Nothing was compared."""


def read_book(path: Path) -> Iterator[Line]:
    """(line, kpj, balance, status) of each card. Raises BookRefusedError: half a book would look like missing cards."""
    number = 0
    try:
        for number, told in _read_json(path) if ".ndjson" in path.suffixes else _read_table(path):
            yield number, told.kpj, told.balance, told.status
    except (TableRefused, OSError) as error:
        raise BookRefusedError(f"after line {number}: {error}") from error


def _read_json(path: Path) -> Iterator[tuple[int, Told]]:
    decoder = msgspec.json.Decoder(Told)
    for number, line in enumerate(open_lines(path), start=1):
        if len(line) > MAX_LINE_BYTES:
            raise BookRefusedError(f"line {number} is longer than {MAX_LINE_BYTES} bytes")
        try:
            if line.strip():
                yield number, decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BookRefusedError(f"line {number}: {error}") from error


def _read_table(path: Path) -> Iterator[tuple[int, Told]]:
    source = open_source(path)
    if sorted(source.columns) not in (sorted(COLUMNS), sorted(COLUMNS[:2])):
        raise BookRefusedError(f"the header needs the columns {','.join(COLUMNS)}, of which status may be left out")
    for number, cells in source:
        if isinstance(cells, BadLine):
            raise BookRefusedError(f"line {number} {cells.reason}")
        known = {name: cell for name, cell in zip(source.columns, cells, strict=True) if cell}
        try:
            yield number, msgspec.convert(known, Told, strict=False)
        except msgspec.ValidationError as error:
            raise BookRefusedError(f"line {number}: {error}") from error
