"""The key that a phone reads its pushes with: JWE by hand, as an app on any system can do it. Shares no code with the product."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicNumbers,
    generate_private_key,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash

# RFC 7518, 4.6.2: the algorithm with its length, no names of the parties, and the length of the key in bits.
OTHER_INFO = b"\0\0\0\7A256GCM" + bytes(8) + (256).to_bytes(4)


class PushKey:
    """A key pair of its own: the one that signs does nothing else."""

    def __init__(self, private: EllipticCurvePrivateKey | None = None) -> None:
        self.private = private or generate_private_key(SECP256R1())

    @property
    def public(self) -> dict[str, str]:
        """As `PUT /v1/push-target` takes it."""
        numbers = self.private.public_key().public_numbers()
        x, y = (_encode(number.to_bytes(32)) for number in (numbers.x, numbers.y))
        return {"kty": "EC", "crv": "P-256", "use": "enc", "x": x, "y": y}

    @property
    def kid(self) -> str:
        """The thumbprint of the public half (RFC 7638)."""
        members = {name: self.public[name] for name in ("crv", "kty", "x", "y")}
        return _encode(hashlib.sha256(json.dumps(members, separators=(",", ":")).encode()).digest())

    def read_push(self, data: dict[str, str]) -> list[dict[str, Any]]:
        """The entries in a push; none when it carries none, or was encrypted to a key that is no longer this phone's."""
        if "jwe" not in data or read_header(data["jwe"])["kid"] != self.kid:
            return []
        entries: list[dict[str, Any]] = json.loads(self.open(data["jwe"]))["entries"]
        return entries

    def open(self, jwe: str) -> bytes:
        """What was encrypted to this key. Raises InvalidTag for what was not, or not as it is now."""
        header, _, *parts = jwe.split(".")
        epk = json.loads(_decode(header))["epk"]
        x, y = (int.from_bytes(_decode(epk[name])) for name in ("x", "y"))
        shared = self.private.exchange(ECDH(), EllipticCurvePublicNumbers(x, y, SECP256R1()).public_key())
        key = ConcatKDFHash(SHA256(), 32, OTHER_INFO).derive(shared)
        nonce, ciphertext, tag = (_decode(part) for part in parts)
        return AESGCM(key).decrypt(nonce, ciphertext + tag, header.encode())


def read_header(jwe: str) -> dict[str, Any]:
    """What stands in clear before the ciphertext."""
    header: dict[str, Any] = json.loads(_decode(jwe.split(".")[0]))
    return header


def _encode(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(value: str) -> bytes:
    return urlsafe_b64decode(value + "=" * (-len(value) % 4))
