"""Parquet as rows of text, batch by batch: a whole number becomes its digits, a day YYYY-MM-DD, a list its parts with | between.

pyarrow is the extra `parquet`: who never sees such a file need not install it. Numbers with a point are refused, for a float
has no exact rupiah and no whole card number; instants too, for they have no day without a time zone.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app.platform.table_problems import BadLine, TableRefused

MAGIC = b"PAR1"
BATCH_ROWS = 10_000
READ_BYTES = 1024 * 1024
LIST_SEPARATOR = "|"


class ParquetSource:
    """The cells of each row, without surrounding spaces; rows are counted from 1."""

    def __init__(self, path: Path) -> None:
        """Raises TableRefused without pyarrow, or for a file or a column that it cannot take."""
        self._arrow, parquet = import_pyarrow()
        try:
            # Not a whole row group at once: memory is bounded by pages, however the file was written.
            self.file = parquet.ParquetFile(path, buffer_size=READ_BYTES, pre_buffer=False)
        except (self._arrow.ArrowException, OSError) as error:
            raise TableRefused("is no Parquet file that can be read; write it again") from error
        self.schema = self.file.schema_arrow
        self.columns: list[str] = list(self.schema.names)
        for field in self.schema:
            if not self._is_plain(field.type):
                raise TableRefused(
                    f"column {field.name} is {field.type}: write it as string, integer, decimal without places or date32"
                )

    def batches(self) -> Iterator[Any]:
        """The record batches. Raises TableRefused where the file is damaged."""
        try:
            yield from self.file.iter_batches(batch_size=BATCH_ROWS)
        except (self._arrow.ArrowException, OSError) as error:
            raise TableRefused("is damaged; write it again") from error

    def __iter__(self) -> Iterator[tuple[int, list[str] | BadLine]]:
        number = 0
        for batch in self.batches():
            for cells in zip(*(self._texts(column) for column in batch.columns), strict=True):
                number += 1
                yield number, list(cells)

    def _is_plain(self, kind: Any) -> bool:
        types = self._arrow.types
        if types.is_dictionary(kind) or types.is_list(kind) or types.is_large_list(kind):
            return self._is_text(kind.value_type)
        whole = types.is_integer(kind) or (types.is_decimal(kind) and kind.scale == 0)
        return self._is_text(kind) or whole or types.is_date(kind) or types.is_null(kind)

    def _is_text(self, kind: Any) -> bool:
        types = self._arrow.types
        return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))

    def _texts(self, column: Any) -> list[str]:
        types, kind = self._arrow.types, column.type
        if types.is_list(kind) or types.is_large_list(kind):
            return [LIST_SEPARATOR.join(part or "" for part in parts or ()) for parts in column.to_pylist()]
        if types.is_date64(kind):
            column = column.cast(self._arrow.date32())
        return [text.strip(" ") if text else "" for text in column.cast(self._arrow.string()).to_pylist()]


def import_pyarrow() -> tuple[Any, Any]:
    """pyarrow and its Parquet part. Raises TableRefused when it is not installed."""
    try:
        import pyarrow
        import pyarrow.parquet
        import pyarrow.types
    except ImportError as error:
        raise TableRefused(
            "Parquet needs pyarrow: install it with pip install 'sepakat[parquet]', or give CSV"
        ) from error
    return pyarrow, pyarrow.parquet
