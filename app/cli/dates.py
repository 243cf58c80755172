"""Days and instants, as words of a command."""

from __future__ import annotations

import argparse
from datetime import date, datetime


def read_day(text: str) -> date:
    """Raises ArgumentTypeError."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("a day such as 2026-11-25") from None


def read_instant(text: str) -> datetime:
    """Aware. Raises ArgumentTypeError."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise argparse.ArgumentTypeError("an instant with its time zone, such as 2026-11-25T08:00+07:00")
    return instant
