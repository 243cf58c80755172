"""How a row of the database stands in what is signed: one spelling for every value. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID


def write_instant(instant: datetime) -> str:
    """UTC with six digits: `2026-11-23T01:02:03.000004Z`."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def write_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as JSON: bytes in hex, instants in UTC, days as YYYY-MM-DD, ids in text."""
    return {column: _write(value) for column, value in row.items()}


def _write(value: Any) -> Any:
    match value:
        case bytes():
            return value.hex()
        case datetime():
            return write_instant(value)
        case date():
            return value.isoformat()
        case UUID():
            return str(value)
        case list():
            return [_write(item) for item in value]
        case _:
            return value
