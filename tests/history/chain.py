"""An independent reading of the hash chain: shares no code with what writes it."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

GENESIS = bytes(32)
POSTGRES_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def field(value: bytes | None) -> bytes:
    return struct.pack(">i", -1) if value is None else struct.pack(">i", len(value)) + value


def encode(value: object) -> bytes | None:
    """uuid, int8, text and timestamptz as PostgreSQL sends them."""
    if value is None or isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, int):
        return struct.pack(">q", value)
    if isinstance(value, UUID):
        return value.bytes
    assert isinstance(value, datetime)
    since = value - POSTGRES_EPOCH
    return struct.pack(">q", (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds)


COVERED = ("participant_id", "seq", "kind", "card_id", "merge_id", "cause_id", "occurred_at", "recorded_at", "wording")


def breaks(entries: Sequence[Mapping[str, Any]], head: tuple[int, bytes]) -> list[str]:
    """What is wrong with one participant's history; empty when nothing is. Entries carry salt and data, or None for both."""
    found = []
    before = GENESIS
    for position, entry in enumerate(entries, start=1):
        if entry["seq"] != position:
            found.append(f"seq {entry['seq']} stands at position {position}")
        if entry["data"] is not None:
            commitment = hashlib.sha256(field(entry["salt"]) + field(entry["data"].encode())).digest()
            if commitment != entry["commitment"]:
                found.append(f"data of {entry['seq']} is not what was committed to")
        body = b"".join(field(encode(entry[name])) for name in COVERED)
        before = hashlib.sha256(
            field(before) + field(b"sepakat-history-1") + body + field(entry["commitment"])
        ).digest()
        if before != entry["hash"]:
            found.append(f"hash of {entry['seq']} does not follow")
    if head != (len(entries), before):
        found.append("the head is not the last entry")
    return found
