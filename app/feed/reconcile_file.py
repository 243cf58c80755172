"""The core's balances from a file: CSV with a header, or NDJSON; packed with gzip where its name ends in .gz.

A line is one card: its number, its balance in whole rupiah, and, if given, its status.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

import msgspec

from app.feed.event import Balance, Kpj, ToldStatus

COLUMNS = ("kpj", "balance", "status")
LONGEST_LINE_BYTES = 10_000
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
    with cast("BinaryIO", gzip.open(path) if path.suffix == ".gz" else path.open("rb")) as file:
        yield from _read_json(file) if ".ndjson" in path.suffixes else _read_csv(file)


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    number = 0
    try:
        while line := file.readline(LONGEST_LINE_BYTES + 1):
            number += 1
            if len(line) > LONGEST_LINE_BYTES:
                raise BookRefusedError(f"line {number} is longer than {LONGEST_LINE_BYTES} bytes")
            if line.strip():
                yield number, line
    except (OSError, EOFError) as error:
        raise BookRefusedError(f"after line {number}: {error}") from error


def _read_json(file: BinaryIO) -> Iterator[Line]:
    decoder = msgspec.json.Decoder(Told)
    for number, line in _lines(file):
        try:
            told = decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BookRefusedError(f"line {number}: {error}") from error
        yield number, told.kpj, told.balance, told.status


def _read_csv(file: BinaryIO) -> Iterator[Line]:
    names: list[str] | None = None
    for number, line in _lines(file):
        try:
            [cells] = csv.reader([line.decode("utf-8-sig").strip()], strict=True)
            if names is None:
                names = _read_header(cells)
                continue
            known = {name: cell for name, cell in zip(names, cells, strict=True) if cell}
            told = msgspec.convert(known, Told, strict=False)
        except (csv.Error, ValueError, msgspec.ValidationError) as error:
            raise BookRefusedError(f"line {number}: {error}") from error
        yield number, told.kpj, told.balance, told.status


def _read_header(cells: list[str]) -> list[str]:
    names = [cell.strip() for cell in cells]
    if sorted(names) not in (sorted(COLUMNS), sorted(COLUMNS[:2])):
        raise BookRefusedError(f"the header needs the columns {','.join(COLUMNS)}, of which status may be left out")
    return names
