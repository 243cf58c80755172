"""The agency's identity provider, as far as its staff need one: invented people, RS256 tokens, keys that rotate.

Whoever asks gets a token of whomever they name: it is for this machine only.
"""

from __future__ import annotations

import csv
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from jwt.algorithms import RSAAlgorithm

from app.local.simulator_accounts import write_private

STAFF = Path(__file__).parent / "staff.csv"
AUDIENCE = "sepakat"
STAFF_TOKEN_LIFE_S = 900
SEPARATOR = b"-----END PRIVATE KEY-----\n"


class UnknownStaffError(LookupError):
    """Nobody of this name works there; the message names those who do."""


class Staff(msgspec.Struct, frozen=True):
    subject: str
    name: str
    role: str


def read_staff() -> dict[str, Staff]:
    """The invented members of staff by subject."""
    with STAFF.open(encoding="utf-8", newline="") as lines:
        return {row["subject"]: msgspec.convert(row, Staff) for row in csv.DictReader(lines)}


class Provider:
    """Signs with the newest key of its file; the one before is published a while longer. Made at the first start."""

    def __init__(self, path: Path, issuer: str) -> None:
        self.issuer = issuer
        self._path = path
        self._keys = _read_keys(path) if path.exists() else []
        if not self._keys:
            self.rotate()

    def rotate(self) -> None:
        """From now on another key signs; of the older ones only the last is still published."""
        self._keys = [rsa.generate_private_key(public_exponent=65537, key_size=2048), *self._keys[:1]]
        write_private(
            self._path,
            b"".join(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) for key in self._keys),
        )

    def describe(self) -> dict[str, Any]:
        """OpenID Connect Discovery 1.0, the members that matter here."""
        return {
            "issuer": self.issuer,
            "jwks_uri": f"{self.issuer}/jwks.json",
            "token_endpoint": f"{self.issuer}/oidc/token",
            "id_token_signing_alg_values_supported": ["RS256"],
            "subject_types_supported": ["public"],
        }

    def show_keys(self) -> dict[str, Any]:
        """The public keys, as RFC 7517 has them."""
        return {"keys": [_published(key) for key in self._keys]}

    def sign_in(self, subject: str, audience: str = AUDIENCE) -> str:
        """A token of one of the staff, good for 15 minutes. Raises UnknownStaffError."""
        staff = read_staff()
        if subject not in staff:
            raise UnknownStaffError(f"{subject} is none of {', '.join(staff)}")
        found, now = staff[subject], int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": audience,
            "sub": found.subject,
            "name": found.name,
            "roles": [found.role],
            "iat": now,
            "nbf": now,
            "exp": now + STAFF_TOKEN_LIFE_S,
            "jti": uuid4().hex,
        }
        return jwt.encode(claims, self._keys[0], algorithm="RS256", headers={"kid": _kid(self._keys[0])})


def _published(key: rsa.RSAPrivateKey) -> dict[str, Any]:
    public: dict[str, Any] = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {"kty": "RSA", "n": public["n"], "e": public["e"], "kid": _kid(key), "use": "sig", "alg": "RS256"}


def _kid(key: rsa.RSAPrivateKey) -> str:
    return f"{key.public_key().public_numbers().n % 2**64:016x}"


def _read_keys(path: Path) -> list[rsa.RSAPrivateKey]:
    parts = [part + SEPARATOR for part in path.read_bytes().split(SEPARATOR) if part.strip()]
    keys = [load_pem_private_key(part, password=None) for part in parts]
    return [key for key in keys if isinstance(key, rsa.RSAPrivateKey)]
