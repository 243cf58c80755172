"""What a push carries for a phone that registered a key: the entries themselves, which that phone alone can read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

import msgspec
import structlog

from app.notifications.entry import present
from app.notifications.row import Row
from app.platform.database import Pool
from app.platform.jwe import encrypt
from app.platform.sql import statement

log = structlog.get_logger()

SHOWN = statement("notifications/encrypted")
# The length of a ciphertext is that of its plaintext, so there are two only. The longer makes a JWE of some 3,100 bytes:
# within the 4,096 of a push that leaves the rest its place, and Apple's and the browsers' own framing theirs.
LENGTHS = (1024, 2048)

Shown = Mapping[tuple[UUID, int], Row]


async def read_shown(pool: Pool, rows: Iterable[Row]) -> Shown:
    """The entries of a batch's rows that go to a phone with a key, by participant and seq. Asks nothing for no such row."""
    keys = {(row["participant_id"], row["seq"]) for row in rows if row["encryption_key"]}
    if not keys:
        return {}
    found = await pool.fetch(SHOWN, *(list(column) for column in zip(*keys, strict=True)))
    return {(row["participant_id"], row["seq"]): row for row in found}


def encrypt_entries(shown: Sequence[Row], locale: str, key: Mapping[str, str]) -> str | None:
    """The JWE of `{"entries": […], "more": bool}`, each entry as `GET /v1/inbox` gives it in `locale`, as many as fit.

    None when not even the first one fits, or cannot be told or encrypted: a push that says less goes out all the same.
    """
    try:
        plaintext = _fit(shown, locale)
        return encrypt(plaintext, key) if plaintext else None
    except Exception:
        log.exception("push_not_encrypted")
        return None


def _fit(shown: Sequence[Row], locale: str) -> bytes | None:
    """Filled up with spaces, which JSON allows, to one of the `LENGTHS`."""
    entries: list[bytes] = []
    fitting: bytes | None = None
    for number, row in enumerate(shown, 1):
        entries.append(msgspec.json.encode(present(row, locale)))
        more = b"true" if number < len(shown) else b"false"
        plaintext = b'{"entries":[%s],"more":%s}' % (b",".join(entries), more)
        if len(plaintext) > LENGTHS[-1]:
            break
        fitting = plaintext
    return fitting and fitting.ljust(next(length for length in LENGTHS if length >= len(fitting)))
