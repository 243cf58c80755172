"""What is wrong with a file of rows, or with a line or a cell of one."""

from __future__ import annotations

import msgspec


class TableRefused(ValueError):
    """The file cannot be read as a whole; the message says why, and what to do."""


class FieldError(ValueError):
    """A cell that is not accepted. The text is the reason shown to whoever sent it, and never repeats the value."""


class BadLine(msgspec.Struct, frozen=True):
    """A line whose columns cannot be told apart. `line` is its start, as it came."""

    reason: str
    line: bytes
