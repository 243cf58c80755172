"""What an authenticator says: a passkey that it made, and a passkey's assertion over a statement. Pure.

WebAuthn Level 3. The challenge of an assertion is the SHA-256 of the statement's canonical bytes, so that the signature is
over exactly what was agreed to; the person was verified by the device, always.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers import decode_credential_public_key, encode_cbor
from webauthn.helpers.cose import COSECRV, COSEAlgorithmIdentifier
from webauthn.helpers.decode_credential_public_key import DecodedEC2PublicKey
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticationCredential,
    AuthenticatorAssertionResponse,
    AuthenticatorAttestationResponse,
    RegistrationCredential,
)

from app.identity.statements import COORDINATE_BYTES, decode_base64url, encode_base64url, read_public_key
from app.platform.problems import BodyMalformed
from app.platform.relying_party import RelyingParty
from app.platform.strict_json import check as check_strict_json

ES256 = COSEAlgorithmIdentifier.ECDSA_SHA_256
# SubjectPublicKeyInfo of a P-256 key (RFC 5480), up to its coordinates; what a browser's getPublicKey() begins with.
SPKI_OF_P256 = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")
UNREADABLE = (WebAuthnException, LookupError, TypeError)
"""What the library raises over bytes that no authenticator makes; of its own errors the text repeats what was sent."""
TRANSPORTS = ("usb", "nfc", "ble", "smart-card", "hybrid", "internal")

CredentialId = Annotated[str, msgspec.Meta(min_length=1, max_length=1364)]  # at most 1,023 bytes (WebAuthn, 7.1)
Encoded = Annotated[str, msgspec.Meta(min_length=1, max_length=8192)]


class AssertionResponse(msgspec.Struct, frozen=True, rename="camel"):
    client_data_json: Encoded = msgspec.field(name="clientDataJSON")
    authenticator_data: Encoded
    signature: Encoded
    user_handle: Annotated[str, msgspec.Meta(max_length=100)] | None = None


class AssertedCredential(msgspec.Struct, frozen=True):
    """What `navigator.credentials.get()` gives, by its `toJSON()`. The browser made it: members that it adds are passed over."""

    id: CredentialId
    type: Literal["public-key"]
    response: AssertionResponse


class AttestationResponse(msgspec.Struct, frozen=True, rename="camel"):
    client_data_json: Encoded = msgspec.field(name="clientDataJSON")
    attestation_object: Annotated[str, msgspec.Meta(min_length=1, max_length=32_768)]
    transports: Annotated[list[Annotated[str, msgspec.Meta(max_length=20)]], msgspec.Meta(max_length=20)] = []


class NewCredential(msgspec.Struct, frozen=True):
    """What `navigator.credentials.create()` gives, by its `toJSON()`; members that the browser adds are passed over."""

    id: CredentialId
    type: Literal["public-key"]
    response: AttestationResponse


class Evidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="passkey"):
    """A passkey's proof as it is kept: what was signed, and for which place. Bytes are base64url.

    `origin` was among those allowed when it was checked, and `rp_id` was ours.
    """

    passkey_id: UUID
    rp_id: str
    origin: str
    authenticator_data: str
    client_data: str
    signature: str


class Use(msgspec.Struct, frozen=True):
    """What the authenticator told of the passkey itself. `sign_count` stays 0 where copies of it are kept."""

    sign_count: int
    synced: bool


class Registered(msgspec.Struct, frozen=True):
    """A passkey that an authenticator made for us. `passkey_id` is the thumbprint of its key."""

    passkey_id: UUID
    credential_id: bytes
    public_key: dict[str, str]
    transports: list[str]
    use: Use


class _ClientData(msgspec.Struct, frozen=True, rename="camel"):
    type: str
    challenge: str
    origin: str
    cross_origin: bool = False
    top_origin: str | None = None


def thumbprint(public_key: dict[str, Any]) -> UUID:
    """The id of a passkey: the first 16 bytes of the SHA-256 of its SubjectPublicKeyInfo. Raises ValueError."""
    x, y = (decode_base64url(public_key[name]) for name in ("x", "y"))
    return UUID(bytes=hashlib.sha256(SPKI_OF_P256 + x + y).digest()[:16])


def take_evidence(credential: AssertedCredential, passkey_id: UUID, party: RelyingParty) -> Evidence:
    """The proof in the form that is kept, for a place that we allow. Nothing is verified yet. Raises ValueError."""
    response = credential.response
    origin = _read_client_data(decode_base64url(response.client_data_json)).origin
    if origin not in party.origins:
        raise ValueError("an origin that is not ours")
    return Evidence(
        passkey_id=passkey_id,
        rp_id=party.id,
        origin=origin,
        authenticator_data=response.authenticator_data,
        client_data=response.client_data_json,
        signature=response.signature,
    )


def verify_evidence(evidence: Evidence, public_key: dict[str, Any], statement: bytes) -> Use:
    """Checks an assertion over the statement's bytes: challenge, type, origin, relying party, presence, verification, signature.

    Raises ValueError for anything but an assertion by this key, for this statement, by a person who was verified.
    """
    challenge = hashlib.sha256(statement).digest()
    client_data = decode_base64url(evidence.client_data)
    told = _read_client_data(client_data)
    if told.challenge != encode_base64url(challenge) or thumbprint(public_key) != evidence.passkey_id:
        raise ValueError("another statement or another key")
    authenticator_data = decode_base64url(evidence.authenticator_data)
    # The id of a credential is not signed; whose it is was looked up by it.
    credential = AuthenticationCredential(
        id=encode_base64url(evidence.passkey_id.bytes),
        raw_id=evidence.passkey_id.bytes,
        response=AuthenticatorAssertionResponse(
            client_data_json=client_data,
            authenticator_data=authenticator_data,
            signature=decode_base64url(evidence.signature),
        ),
    )
    try:
        verified = verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=evidence.rp_id,
            expected_origin=evidence.origin,
            credential_public_key=_cose(public_key),
            credential_current_sign_count=0,  # compared where the last one is kept
            require_user_verification=True,
        )
    except UNREADABLE as error:
        raise ValueError(type(error).__name__) from error
    return Use(verified.new_sign_count, verified.credential_backed_up)


def verify_registration(credential: NewCredential, nonce: bytes, party: RelyingParty) -> Registered:
    """Checks a passkey that was made for our challenge, by a person who was verified. Only ES256 keys. Raises ValueError."""
    response = credential.response
    client_data = decode_base64url(response.client_data_json)
    _read_client_data(client_data)
    raw_id = decode_base64url(credential.id)
    try:
        verified = verify_registration_response(
            credential=RegistrationCredential(
                id=credential.id,
                raw_id=raw_id,
                response=AuthenticatorAttestationResponse(
                    client_data_json=client_data, attestation_object=decode_base64url(response.attestation_object)
                ),
            ),
            expected_challenge=nonce,
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
            require_user_verification=True,
            supported_pub_key_algs=[ES256],
        )
        key = decode_credential_public_key(verified.credential_public_key)
        if not isinstance(key, DecodedEC2PublicKey) or key.crv != COSECRV.P256 or verified.credential_id != raw_id:
            raise ValueError("not a P-256 key, or another credential than it says")
        jwk = {"kty": "EC", "crv": "P-256", "x": encode_base64url(key.x), "y": encode_base64url(key.y)}
    except UNREADABLE as error:
        raise ValueError(type(error).__name__) from error
    read_public_key(jwk)
    return Registered(
        passkey_id=thumbprint(jwk),
        credential_id=raw_id,
        public_key=jwk,
        transports=[name for name in TRANSPORTS if name in response.transports],
        use=Use(verified.sign_count, verified.credential_backed_up),
    )


def _read_client_data(raw: bytes) -> _ClientData:
    """Strictly, so that no two readers see two things. A page inside a stranger's page is not where anybody agrees."""
    try:
        check_strict_json(raw)
        told = msgspec.json.decode(raw, type=_ClientData)
    except (BodyMalformed, msgspec.ValidationError) as error:
        raise ValueError("client data of another form") from error
    if told.cross_origin or told.top_origin is not None:
        raise ValueError("asked for inside another page")
    return told


def _cose(jwk: dict[str, Any]) -> bytes:
    """The key as RFC 9053 writes it: kty EC2, alg ES256, crv P-256, x, y."""
    read_public_key(jwk)
    x, y = (decode_base64url(jwk[name], length=COORDINATE_BYTES) for name in ("x", "y"))
    return bytes(encode_cbor({1: 2, 3: int(ES256), -1: 1, -2: x, -3: y}))
