"""A row as SQL gives it."""

from __future__ import annotations

from typing import Any, Protocol


class Row(Protocol):
    """Columns by name: asyncpg's Record, or a dict that was made of one."""

    def __getitem__(self, column: str, /) -> Any: ...
