"""Rows out as CSV, packed CSV or Parquet, in bounded memory. The file has its name only once it is whole."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, TextIO

from app.platform.table_parquet import import_pyarrow
from app.platform.table_problems import TableRefused

PART = ".part"
ONLY_ITS_OWNER = 0o600

Rows = Sequence[Sequence[Any]]


def open_for_its_owner(path: Path) -> TextIO:
    """An empty text file that nobody else can read."""
    path.touch(mode=ONLY_ITS_OWNER)
    return path.open("w", encoding="utf-8", newline="")


class TableWriter:
    """A context manager; `columns` are names with the Python type of their values: str, int, date or datetime."""

    def __init__(self, path: Path, columns: Mapping[str, type]) -> None:
        """Raises TableRefused for a name of no known form, or without pyarrow; OSError."""
        form = next((form for suffix, form in FORMS.items() if path.name.endswith(suffix)), None)
        if form is None:
            raise TableRefused(f"{path.name} names no form: let it end in {', '.join(FORMS)}")
        self.rows = 0
        self._path, self._part = path, path.with_name(path.name + PART)
        self._part.unlink(missing_ok=True)
        self._part.touch(mode=ONLY_ITS_OWNER)
        self._out = form(self._part, columns)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._out.close()
        if kind is None:
            self._part.replace(self._path)
        else:
            self._part.unlink()

    def write(self, rows: Rows) -> None:
        """Some rows, each with its values in the order of the columns; None is no value."""
        self._out.write(rows)
        self.rows += len(rows)


class _Out(Protocol):
    def __init__(self, path: Path, columns: Mapping[str, type]) -> None: ...
    def write(self, rows: Rows) -> None: ...
    def close(self) -> None: ...


class _Csv:
    def __init__(self, path: Path, columns: Mapping[str, type]) -> None:
        self._opened = ExitStack()
        text = io.TextIOWrapper(self._open(path), encoding="utf-8", newline="")
        self._writer = csv.writer(self._opened.enter_context(text), lineterminator="\n")
        self._writer.writerow(columns)

    def _open(self, path: Path) -> Any:
        return self._opened.enter_context(path.open("wb"))

    def write(self, rows: Rows) -> None:
        self._writer.writerows(
            [value.isoformat() if isinstance(value, date) else value for value in row] for row in rows
        )

    def close(self) -> None:
        self._opened.close()


class _PackedCsv(_Csv):
    def _open(self, path: Path) -> Any:
        return self._opened.enter_context(gzip.GzipFile(fileobj=super()._open(path), mode="wb"))


class _Parquet:
    def __init__(self, path: Path, columns: Mapping[str, type]) -> None:
        self._arrow, parquet = import_pyarrow()
        kinds = {
            str: self._arrow.string(),
            int: self._arrow.int64(),
            date: self._arrow.date32(),
            datetime: self._arrow.timestamp("us", tz="UTC"),
        }
        self._schema = self._arrow.schema([(name, kinds[kind]) for name, kind in columns.items()])
        self._writer = parquet.ParquetWriter(path, self._schema)

    def write(self, rows: Rows) -> None:
        if rows:
            values = zip(*rows, strict=True)
            arrays = [self._arrow.array(column, kind) for column, kind in zip(values, self._schema.types, strict=True)]
            self._writer.write_batch(self._arrow.RecordBatch.from_arrays(arrays, schema=self._schema))

    def close(self) -> None:
        self._writer.close()


FORMS: dict[str, type[_Out]] = {".csv": _Csv, ".csv.gz": _PackedCsv, ".parquet": _Parquet}
