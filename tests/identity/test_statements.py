"""The test vector of the API, and signatures that must not pass."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from typing import Any

import pytest

from app.identity.statements import (
    canonical,
    decode_nonce,
    encode_base64url,
    encode_nonce,
    read_public_key,
    verify_signature,
)

KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "ljmE_5Y_IkaXQiN1tNZiSiXEvQsmITLLhJJwmJNGSzY",
    "y": "jddSKc0bmaZJQHhh9178S2tSomuVRyRvXHlUoMHBc3w",
}
SIGNATURE = "gASkbaWKOemIKqSFiRIIhoIEH35CXqrW_AN37qcZUzS9-Vjsz8Yj1qMYgdahhKtPfjSBOAvaQBQqCZrbH6l7fw"
STATEMENT = (
    '{"acknowledged":["app_claim_cap_crossed"],"device_id":"01937f5e-7a40-7000-8000-000000000001",'
    '"merge_id":"01937f5e-7a40-7cc1-8f6e-3a2b1c0d9e8f","nonce":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",'
    '"plan_digest":"2195fbe1b7b965855e01fd519ef814726026822dbf9bd48e2e2d91c8cf21bb22","purpose":"merge","version":1}'
)
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def split(signature: str) -> tuple[int, int]:
    raw = urlsafe_b64decode(signature + "==")
    return int.from_bytes(raw[:32]), int.from_bytes(raw[32:])


def test_the_bytes_that_are_signed_are_those_of_the_vector() -> None:
    shuffled = dict(reversed(json.loads(STATEMENT).items()))
    assert canonical(shuffled) == STATEMENT.encode()


def test_the_vectors_signature_holds() -> None:
    assert verify_signature(KEY, STATEMENT.encode(), SIGNATURE)


@pytest.mark.parametrize("change", ['"version":2', '"purpose":"undo"'])
def test_a_signature_does_not_hold_over_another_statement(change: str) -> None:
    name = change.split(":")[0]
    statement = json.loads(STATEMENT) | json.loads("{" + change + "}")
    assert name in STATEMENT
    assert not verify_signature(KEY, canonical(statement), SIGNATURE)


R, S = split(SIGNATURE)


@pytest.mark.parametrize(
    "signature",
    [
        "",
        SIGNATURE[:-1],
        SIGNATURE + "A",
        SIGNATURE + "==",
        SIGNATURE + "\n",
        " " + SIGNATURE,
        SIGNATURE.replace("_", "/").replace("-", "+"),
        SIGNATURE[:-1] + "x",  # the same 64 bytes, spelled with other unused bits
        encode_base64url(bytes(64)),
        encode_base64url(R.to_bytes(32) + bytes(32)),
        encode_base64url(R.to_bytes(32) + ORDER.to_bytes(32)),
        encode_base64url(b"\x00" + R.to_bytes(32) + S.to_bytes(32)),
        encode_base64url(S.to_bytes(32) + R.to_bytes(32)),
        "é" * 86,
    ],
)
def test_any_other_spelling_or_number_is_no_signature(signature: str) -> None:
    assert not verify_signature(KEY, STATEMENT.encode(), signature)


@pytest.mark.parametrize(
    "change",
    [
        {"x": KEY["y"]},
        {"x": "A" * 43},
        {"x": KEY["x"][:-1] + "Z"},
        {"x": KEY["x"] + "="},
        {"y": KEY["y"][:-1]},
        {"crv": "P-384"},
        {"kty": "RSA"},
        {"d": "A" * 43},
        {"kid": "1"},
    ],
    ids=str,
)
def test_a_key_that_is_not_exactly_a_public_key_on_p256_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_public_key(KEY | change)


def test_a_nonce_has_one_spelling() -> None:
    nonce = bytes(range(32))
    assert encode_nonce(nonce) == "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
    assert decode_nonce(encode_nonce(nonce)) == nonce
    for wrong in (encode_nonce(nonce)[:-1] + "9", encode_nonce(nonce) + "=", encode_nonce(bytes(31)), ""):
        with pytest.raises(ValueError, match=r"32 bytes|base64url"):
            decode_nonce(wrong)
