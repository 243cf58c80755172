"""The refused rows of a file, out as a file in the same form: its columns, and why beside them.

The rows are copied from the file itself, which is read once more alongside, so that nothing but the reasons is held in memory.
"""

from __future__ import annotations

import csv
import gzip
import io
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from app.platform.table_csv import CsvSource
from app.platform.table_parquet import ParquetSource, import_pyarrow
from app.platform.table_problems import BadLine, TableRefused
from app.platform.table_writer import ONLY_ITS_OWNER
from app.platform.tables import REFUSED_PREFIX, Refusal, open_source

COLUMNS = ("refused_line", "refused_field", "refused_code", "refused_reason")
BETWEEN = "; "

Reasons = tuple[int, str, str, str]


class RefusedWriter:
    """A context manager that writes refused rows as they are found, in the order of their numbers.

    Several refusals of one row become one row, their fields, codes and reasons joined by `; `.
    """

    def __init__(self, source: Path, target: Path) -> None:
        """Raises TableRefused for a source that cannot be read, or for a target that is the source; OSError."""
        if target.exists() and target.samefile(source):
            raise TableRefused("the refused rows need a file of their own")
        self.rows = 0
        self._waiting: list[Refusal] = []
        opened = open_source(source)
        target.touch(mode=ONLY_ITS_OWNER)  # the rows are people, with their numbers and names
        self._out: _Out = _ParquetOut(opened, target) if isinstance(opened, ParquetSource) else _CsvOut(opened, target)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self._flush()
        self._out.close()

    def write(self, refusal: Refusal) -> None:
        """One refusal; its number is that of the one before, or greater."""
        if self._waiting and self._waiting[0].number != refusal.number:
            self._flush()
        self._waiting.append(refusal)

    def _flush(self) -> None:
        if not self._waiting:
            return
        first, parts = self._waiting[0], ("field", "code", "reason")
        field, code, reason = (
            BETWEEN.join(dict.fromkeys(filter(None, (getattr(each, part) for each in self._waiting)))) for part in parts
        )
        self._out.write((first.number, field, code, reason))
        self.rows += 1
        self._waiting = []


class _Out(Protocol):
    def write(self, reasons: Reasons) -> None: ...
    def close(self) -> None: ...


class _CsvOut:
    """A line without columns stands as it came in the first cell."""

    def __init__(self, source: CsvSource, target: Path) -> None:
        self._opened = ExitStack()
        raw = self._opened.enter_context(target.open("wb"))
        stream = self._opened.enter_context(gzip.GzipFile(fileobj=raw, mode="wb")) if target.suffix == ".gz" else raw
        text = io.TextIOWrapper(stream, encoding="utf-8", errors="surrogateescape", newline="")
        self._writer = csv.writer(self._opened.enter_context(text), lineterminator="\n")
        self._rows = iter(source)
        self._kept = [place for place, name in enumerate(source.columns) if not name.startswith(REFUSED_PREFIX)]
        self._writer.writerow([*(source.columns[place] for place in self._kept), *COLUMNS])

    def write(self, reasons: Reasons) -> None:
        cells = next(cells for number, cells in self._rows if number == reasons[0])
        if isinstance(cells, BadLine):
            text = cells.line.decode("utf-8", "surrogateescape").rstrip("\r\n")
            kept = [text, *[""] * (len(self._kept) - 1)]
        else:
            kept = [cells[place] for place in self._kept]
        self._writer.writerow([*kept, *reasons])

    def close(self) -> None:
        self._opened.close()


class _ParquetOut:
    """Values keep the types that they came with."""

    def __init__(self, source: ParquetSource, target: Path) -> None:
        self._arrow, parquet = import_pyarrow()
        self._batches = source.batches()
        self._batch: Any = None
        self._first = 1  # the number of the batch's first row
        self._taken: list[Reasons] = []
        self._fields = [field for field in source.schema if not field.name.startswith(REFUSED_PREFIX)]
        kinds = (self._arrow.int64(), *[self._arrow.string()] * 3)
        told = [self._arrow.field(name, kind) for name, kind in zip(COLUMNS, kinds, strict=True)]
        self._schema = self._arrow.schema([*self._fields, *told])
        self._writer = parquet.ParquetWriter(target, self._schema)

    def write(self, reasons: Reasons) -> None:
        while self._batch is None or reasons[0] >= self._first + self._batch.num_rows:
            self._flush()
            self._first += self._batch.num_rows if self._batch is not None else 0
            self._batch = next(self._batches)
        self._taken.append(reasons)

    def close(self) -> None:
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if not self._taken:
            return
        rows = self._batch.take(self._arrow.array([reasons[0] - self._first for reasons in self._taken]))
        kept = [rows.column(field.name) for field in self._fields]
        told = [
            self._arrow.array(values, self._schema.field(name).type)
            for name, values in zip(COLUMNS, zip(*self._taken, strict=True), strict=True)
        ]
        self._writer.write_batch(self._arrow.RecordBatch.from_arrays([*kept, *told], schema=self._schema))
        self._taken = []
