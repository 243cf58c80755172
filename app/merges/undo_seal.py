"""The seal under which the database undoes: it says that a process with the secret verified the proof of this statement.

HMAC-SHA256 over the signed statement. The worker lays the key over HMAC's two pads and gives them to the database, which
recomputes the seal without ever holding the key; the API, which undoes, cannot read them; no SQL role can compute a seal.
"""

from __future__ import annotations

import hmac

from app.identity.tokens import derive_key
from app.platform.database import Connection, Pool
from app.platform.sql import load

SQL = load("merges/undo")
BLOCK_BYTES = 64  # of SHA-256


def seal_undo(secret: str, statement: bytes) -> bytes:
    """32 bytes over the canonical statement."""
    return hmac.digest(_key(secret), statement, "sha256")


def pads(secret: str) -> tuple[bytes, bytes]:
    """The key over HMAC's inner and outer pad (RFC 2104): what the database needs to recompute a seal."""
    key = _key(secret).ljust(BLOCK_BYTES, b"\0")
    return bytes(byte ^ 0x36 for byte in key), bytes(byte ^ 0x5C for byte in key)


async def keep_undo_seal(connection: Connection | Pool, secret: str) -> None:
    """Tells the database which seals hold from now on. Called by the worker when it starts."""
    await connection.execute(SQL["keep_seal"], *pads(secret))


def _key(secret: str) -> bytes:
    return derive_key(secret, "undo seal")
