"""Access and refresh tokens: signed by the server's secret, never stored.

An access token names participant, session and expiry. A refresh token names participant, session and generation, so that
the same generation always gives the same token: a retry after a lost answer gets the very successor that was lost.
"""

from __future__ import annotations

import hmac
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from functools import lru_cache
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MAC_BYTES = 32


class AccessToken(msgspec.Struct, frozen=True):
    participant_id: UUID
    session_id: UUID
    expires_at: datetime


class RefreshToken(msgspec.Struct, frozen=True):
    participant_id: UUID
    session_id: UUID
    generation: int


@lru_cache(maxsize=16)
def derive_key(secret: str, purpose: str) -> bytes:
    """32 bytes for one purpose, from SEPAKAT_SECRET (HKDF-SHA256): a leak of one says nothing of the others."""
    return HKDF(algorithm=SHA256(), length=32, salt=b"sepakat", info=purpose.encode()).derive(secret.encode())


class Tokens:
    """Issues and reads tokens. A token that was forged, cut or made for the other use reads as None."""

    def __init__(self, secret: str) -> None:
        self._access = derive_key(secret, "access token")
        self._refresh = derive_key(secret, "refresh token")

    def issue_access(self, token: AccessToken) -> str:
        """Expiry is kept in whole seconds, rounded down."""
        payload = (
            token.participant_id.bytes + token.session_id.bytes + struct.pack(">q", int(token.expires_at.timestamp()))
        )
        return _sign(self._access, payload)

    def read_access(self, value: str) -> AccessToken | None:
        payload = _open(self._access, value, length=40)
        if payload is None:
            return None
        (seconds,) = struct.unpack(">q", payload[32:])
        return AccessToken(UUID(bytes=payload[:16]), UUID(bytes=payload[16:32]), datetime.fromtimestamp(seconds, UTC))

    def issue_refresh(self, token: RefreshToken) -> str:
        payload = token.participant_id.bytes + token.session_id.bytes + struct.pack(">q", token.generation)
        return _sign(self._refresh, payload)

    def read_refresh(self, value: str) -> RefreshToken | None:
        payload = _open(self._refresh, value, length=40)
        if payload is None:
            return None
        (generation,) = struct.unpack(">q", payload[32:])
        return RefreshToken(UUID(bytes=payload[:16]), UUID(bytes=payload[16:32]), generation)


def _sign(key: bytes, payload: bytes) -> str:
    return urlsafe_b64encode(payload + hmac.digest(key, payload, "sha256")).rstrip(b"=").decode()


def _open(key: bytes, value: str, *, length: int) -> bytes | None:
    try:
        raw = urlsafe_b64decode(value + "=" * (-len(value) % 4))
    except ValueError:
        return None
    payload, mac = raw[:length], raw[length:]
    if len(raw) != length + MAC_BYTES or not hmac.compare_digest(mac, hmac.digest(key, payload, "sha256")):
        return None
    return payload
