"""What commands take from the environment. SettingsError says what is missing."""

from __future__ import annotations

import argparse
import os
from datetime import date, datetime

from app.settings import SettingsError


def database_url() -> str:
    """A database, with the role of whoever calls."""
    url = os.environ.get("SEPAKAT_DATABASE_URL")
    if not url:
        raise SettingsError(
            "SEPAKAT_DATABASE_URL is not set: postgresql://user:password@host:5432/sepakat;"
            " beside `make run`, `. .local/environment` sets it"
        )
    if not url.startswith(("postgresql://", "postgres://")):
        raise SettingsError("SEPAKAT_DATABASE_URL is none: postgresql://user:password@host:5432/sepakat")
    return url


def data_keys() -> str:
    """The keys that seal data; '' where none are given."""
    return os.environ.get("SEPAKAT_DATA_KEYS", "")


def day(text: str) -> date:
    """A day of the calendar, for an argument."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("a day is written as 2026-11-30") from None


def instant(text: str) -> datetime:
    """An instant with its time zone, for an argument."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise argparse.ArgumentTypeError("an instant is written with its time zone: 2026-11-25T08:00+07:00")
    return found
