"""Signatures: the agency's (JWS, Ed25519) and the participant's (ES256 of the phone's key or a passkey)."""

from __future__ import annotations

from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePublicNumbers,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from app.verify.strict import BrokenError, canonical, from_base64url, read_json, require, sha256

MEMBERS = {"payload", "protected", "signature"}


def check_jws(signed: Any, keys: dict[str, Any], type_: str) -> tuple[bytes, str]:
    """The payload of a flattened JWS and the id of the key that signed it. Raises BrokenError."""
    require(isinstance(signed, dict) and set(signed) == MEMBERS, f"a JWS has exactly the members {sorted(MEMBERS)}")
    protected = from_base64url(signed["protected"])
    header = read_json(protected)
    require(
        isinstance(header, dict) and set(header) == {"alg", "kid", "typ"} and canonical(header) == protected,
        "the protected header has exactly alg, kid and typ, in canonical form",
    )
    require(header["alg"] == "EdDSA", "the signature is not EdDSA")
    require(header["typ"] == type_, f"signed as {header['typ']!r}, not as {type_!r}")
    payload = from_base64url(signed["payload"])
    key = _find_key(keys, header["kid"])
    message = f"{signed['protected']}.{signed['payload']}".encode()
    try:
        key.verify(from_base64url(signed["signature"]), message)
    except InvalidSignature:
        raise BrokenError("the agency's signature does not hold: something was altered") from None
    return payload, header["kid"]


def check_device_signature(key: Any, message: bytes, signature: Any) -> None:
    """ES256 over the bytes that were signed: raw r‖s in base64url. Raises BrokenError."""
    raw = from_base64url(signature)
    require(len(raw) == 64, "the signature has another length")
    check_es256(key, message, encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")))


def check_es256(key: Any, message: bytes, der: bytes) -> None:
    """ES256 by a JWK, the signature as DER in its one spelling, as authenticators give it. Raises BrokenError."""
    require(isinstance(key, dict) and set(key) == {"kty", "crv", "x", "y"}, "a key has exactly kty, crv, x and y")
    require((key["kty"], key["crv"]) == ("EC", "P-256"), "the key is not on P-256")
    x, y = from_base64url(key["x"]), from_base64url(key["y"])
    require(len(x) == len(y) == 32, "a coordinate has another length")
    try:
        require(encode_dss_signature(*decode_dss_signature(der)) == der, "a second spelling of the same signature")
        numbers = EllipticCurvePublicNumbers(int.from_bytes(x, "big"), int.from_bytes(y, "big"), SECP256R1())
        numbers.public_key().verify(der, message, ECDSA(SHA256()))
    except (ValueError, InvalidSignature):
        raise BrokenError("the signature over the statement does not hold") from None


def _find_key(keys: dict[str, Any], kid: Any) -> Ed25519PublicKey:
    """The key of a JWK set whose thumbprint (RFC 7638) is `kid`; what a set says of itself is not believed."""
    for key in keys["keys"]:
        if key.get("kty") == "OKP" and key.get("crv") == "Ed25519":
            raw = from_base64url(key["x"])
            thumbprint = sha256(canonical({"crv": "Ed25519", "kty": "OKP", "x": key["x"]}))
            if thumbprint == from_base64url(kid):
                return Ed25519PublicKey.from_public_bytes(raw)
    raise BrokenError(f"signed by a key that is not among the published ones: {kid!r}")
