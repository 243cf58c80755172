"""Names that stand for a person or an address where neither may be read: in logs, in Valkey. Pure.

Keyed with the server's secret: whoever reads a log or a key there cannot try all identity numbers, ids or addresses
against it. The same value has the same pseudonym of one kind everywhere, so that lines about one person can be put
together; two kinds have nothing in common.
"""

from __future__ import annotations

import hmac
from base64 import b32encode
from functools import lru_cache

PSEUDONYM_CHARACTERS = 16


@lru_cache(maxsize=16)
def _key(secret: str) -> bytes:
    return hmac.digest(secret.encode(), b"sepakat pseudonyms", "sha256")


def pseudonym(secret: str, kind: str, value: str) -> str:
    """16 lower-case letters and digits: 80 bits of HMAC-SHA256 over kind and value."""
    digest = hmac.digest(_key(secret), f"{kind}\0{value}".encode(), "sha256")
    return b32encode(digest).decode()[:PSEUDONYM_CHARACTERS].lower()
