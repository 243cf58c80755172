"""Statements, the small JSON objects that a person signs, and the signature of a device key over one. Pure."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any
from uuid import UUID

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePublicKey,
    EllipticCurvePublicNumbers,
)
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

NONCE_BYTES = 32
COORDINATE_BYTES = 32
BASE64URL = re.compile(r"[A-Za-z0-9_-]*")


def canonical(statement: dict[str, Any]) -> bytes:
    """The UTF-8 bytes of the statement's RFC 8785 form: what is signed and what is stored."""
    return rfc8785.dumps(statement)


def encode_base64url(raw: bytes) -> str:
    """Base64url without padding (RFC 7515)."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode_base64url(value: str, *, length: int | None = None) -> bytes:
    """Raises ValueError for padding, foreign characters, a second spelling of the same bytes, or another length."""
    if not BASE64URL.fullmatch(value):
        raise ValueError("not base64url without padding")
    raw = urlsafe_b64decode(value + "=" * (-len(value) % 4))
    if encode_base64url(raw) != value:
        raise ValueError("a second spelling of the same base64url")
    if length is not None and len(raw) != length:
        raise ValueError(f"not {length} bytes")
    return raw


def subject_statement(*, purpose: str, device_id: UUID | None, subject_id: UUID, nonce: str) -> dict[str, Any]:
    """What is signed to do something to one subject: a card, a key, the person. `device_id` is null for a passkey."""
    return {
        "version": 1,
        "purpose": purpose,
        "device_id": write_device(device_id),
        "subject_id": str(subject_id),
        "nonce": nonce,
    }


def write_device(device_id: UUID | None) -> str | None:
    """How a statement names the device that signs it; a passkey is on no device in particular."""
    return None if device_id is None else str(device_id)


def encode_nonce(nonce: bytes) -> str:
    """A server's nonce as it stands in statements."""
    return encode_base64url(nonce)


def decode_nonce(value: str) -> bytes:
    """The 32 bytes of a nonce. Raises ValueError."""
    return decode_base64url(value, length=NONCE_BYTES)


def read_public_key(jwk: dict[str, Any]) -> EllipticCurvePublicKey:
    """The key of a JWK with exactly `kty`, `crv`, `x` and `y`, on P-256. Raises ValueError, saying what is wrong."""
    if set(jwk) != {"kty", "crv", "x", "y"}:
        raise ValueError("a public key has exactly the members kty, crv, x and y")
    if (jwk["kty"], jwk["crv"]) != ("EC", "P-256"):
        raise ValueError("only EC keys on P-256 are taken")
    x, y = (int.from_bytes(decode_base64url(jwk[name], length=COORDINATE_BYTES)) for name in ("x", "y"))
    return EllipticCurvePublicNumbers(x, y, SECP256R1()).public_key()


def verify_signature(public_key: dict[str, Any], message: bytes, signature: str) -> bool:
    """ES256: ECDSA P-256 over the SHA-256 of `message`, raw r‖s in base64url. False for anything but a valid signature.

    Raises ValueError for a `public_key` that is none: keys are checked when they are enrolled.
    """
    key = read_public_key(public_key)
    try:
        raw = decode_base64url(signature, length=2 * COORDINATE_BYTES)
        r, s = int.from_bytes(raw[:COORDINATE_BYTES]), int.from_bytes(raw[COORDINATE_BYTES:])
        key.verify(encode_dss_signature(r, s), message, ECDSA(SHA256()))
    except (ValueError, InvalidSignature):
        return False
    return True
