"""The hash chain of a participant's history: every field with its length before it, SHA-256 over the hash before."""

from __future__ import annotations

import re
import struct
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID

from app.verify.strict import BrokenError, from_hex, integer, require, sha256

GENESIS = bytes(32)
EPOCH = datetime(2000, 1, 1, tzinfo=timezone.utc)  # noqa: UP017
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
ENTRY = frozenset(
    "seq kind card_id merge_id cause_id occurred_at recorded_at wording salt data commitment hash".split()  # noqa: SIM905
)


def check_entry(participant_id: str, entry: dict[str, Any], previous: bytes) -> bytes:
    """The hash of an entry, recomputed over the hash before it. Raises BrokenError when it or its data do not fit."""
    seq = integer(entry["seq"])
    commitment = from_hex(entry["commitment"], length=32)
    if entry["data"] is not None:
        given = sha256(_field(from_hex(entry["salt"], length=16)) + _field(entry["data"].encode()))
        require(given == commitment, f"the data of entry {seq} are not what was committed to")
    else:
        require(entry["salt"] is None, f"entry {seq} has a salt without data")
    body = [
        b"sepakat-history-1",
        _id(participant_id),
        struct.pack(">q", seq),
        entry["kind"].encode(),
        _id(entry["card_id"]),
        _id(entry["merge_id"]),
        _id(entry["cause_id"]),
        _instant(entry["occurred_at"]),
        _instant(entry["recorded_at"]),
        entry["wording"].encode(),
        commitment,
    ]
    made = sha256(_field(previous) + b"".join(_field(part) for part in body))
    require(made == from_hex(entry["hash"]), f"the hash of entry {seq} does not follow from what is before it")
    return made


def microseconds(instant: str) -> int:
    """Since 2000-01-01 UTC, of an instant in its one spelling. Raises BrokenError."""
    require(isinstance(instant, str) and INSTANT.fullmatch(instant) is not None, f"not an instant: {instant!r}")
    try:
        moment = datetime.strptime(instant, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)  # noqa: UP017
    except ValueError as error:
        raise BrokenError(f"not an instant: {instant!r}") from error
    return (moment - EPOCH) // timedelta(microseconds=1)


def _instant(text: str) -> bytes:
    return struct.pack(">q", microseconds(text))


def _id(text: str | None) -> bytes | None:
    if text is None:
        return None
    raw = UUID(text)
    require(str(raw) == text, f"an id in a second spelling: {text!r}")
    return raw.bytes


def _field(value: bytes | None) -> bytes:
    return struct.pack(">i", -1) if value is None else struct.pack(">i", len(value)) + value
