"""What commands take from the environment. SettingsError says what is missing."""

from __future__ import annotations

import os

from app.settings import SettingsError


def database_url() -> str:
    """A database, with the role of whoever calls."""
    url = os.environ.get("SEPAKAT_DATABASE_URL")
    if not url:
        raise SettingsError("SEPAKAT_DATABASE_URL is not set: postgresql://user:password@host:5432/sepakat")
    if not url.startswith(("postgresql://", "postgres://")):
        raise SettingsError("SEPAKAT_DATABASE_URL is none: postgresql://user:password@host:5432/sepakat")
    return url


def data_keys() -> str:
    """The keys that seal data; '' where none are given."""
    return os.environ.get("SEPAKAT_DATA_KEYS", "")
