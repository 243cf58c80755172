"""A passkey's assertion over a statement (WebAuthn Level 3, 7.2): what was signed, by whom, for which place."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.verify.signature import check_es256
from app.verify.strict import from_base64url, read_json, require, sha256, to_base64url

EVIDENCE = {"type", "passkey_id", "rp_id", "origin", "authenticator_data", "client_data", "signature"}
KEY = {"kty", "crv", "x", "y"}
SPKI_OF_P256 = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")
PRESENT, VERIFIED, ATTESTED, EXTENDED = 0x01, 0x04, 0x40, 0x80
LEAST_BYTES = 37  # the hash of the relying party's id (32), flags (1), counter (4)


def check_passkey_proof(proof: dict[str, Any], public_key: Any, statement: bytes) -> None:
    """The assertion is over these bytes, by this key, by a person who was present and verified. Raises BrokenError.

    That `origin` was one of the agency's is under the agency's signature; that it is what was signed for is checked.
    """
    require(set(proof) == EVIDENCE, "the proof has another form")
    check_thumbprint(proof["passkey_id"], public_key)
    client_data = from_base64url(proof["client_data"])
    told = read_json(client_data)
    require(isinstance(told, dict) and told["type"] == "webauthn.get", "the passkey was used for something else")
    require(told["challenge"] == to_base64url(sha256(statement)), "the passkey signed another statement")
    require(told["origin"] == proof["origin"], "the passkey signed for another origin")
    inside = told.get("crossOrigin", False) is not False or told.get("topOrigin") is not None
    require(not inside, "the passkey was asked for inside another page")
    data = from_base64url(proof["authenticator_data"])
    require(len(data) >= LEAST_BYTES, "the authenticator's data are cut short")
    require(data[:32] == sha256(proof["rp_id"].encode()), "the passkey signed for another relying party")
    flags = data[32]
    require(flags & PRESENT != 0 and flags & VERIFIED != 0, "nobody was verified when the passkey signed")
    extended = flags & EXTENDED != 0
    require(
        flags & ATTESTED == 0 and (len(data) > LEAST_BYTES) == extended, "the authenticator's data have another form"
    )
    check_es256(public_key, data + sha256(client_data), from_base64url(proof["signature"]))


def check_thumbprint(passkey_id: Any, public_key: Any) -> None:
    """A passkey's id is the thumbprint of its key, so that a proof names its key. Raises BrokenError."""
    require(isinstance(public_key, dict) and set(public_key) == KEY, "a key has exactly kty, crv, x and y")
    require((public_key["kty"], public_key["crv"]) == ("EC", "P-256"), "the key is not on P-256")
    x, y = from_base64url(public_key["x"]), from_base64url(public_key["y"])
    require(len(x) == len(y) == 32, "a coordinate has another length")
    digest = sha256(SPKI_OF_P256 + x + y)
    require(passkey_id == str(UUID(bytes=digest[:16])), "the passkey's id is not the thumbprint of its key")
