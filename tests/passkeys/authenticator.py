"""A software authenticator, and a person's page that uses it: it can lie wherever a stolen or broken one could.

It makes P-256 keys, attestation `none`, and assertions; whether the person is verified, for which origin and relying party,
and what the counter says is for the test to choose. It shares no code with the product, not even for CBOR.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
from base64 import urlsafe_b64decode
from typing import Any
from uuid import UUID

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.local.phone import base64url, expect
from tests.people import Phone

ORIGIN, RP_ID = "http://localhost:8000", "localhost"
PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


class Authenticator:
    """One passkey. `verifies`: whether it asks for the finger, face or PIN; `counts`: whether it counts its uses."""

    def __init__(
        self, *, verifies: bool = True, counts: bool = False, origin: str = ORIGIN, rp_id: str = RP_ID
    ) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.credential_id = os.urandom(32)
        self.handle = b""
        self.verifies, self.counts, self.origin, self.rp_id = verifies, counts, origin, rp_id
        self.sign_count = 0
        self.client: dict[str, Any] = {}
        self.cose = b""  # what it says instead of its key

    @property
    def id(self) -> str:
        """The id that the passkey gets: the thumbprint of its key."""
        spki = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return str(UUID(bytes=hashlib.sha256(spki).digest()[:16]))

    def register(self, options: dict[str, Any]) -> dict[str, Any]:
        """What `navigator.credentials.create()` gives, as JSON."""
        self.handle = from_base64url(options["user"]["id"])
        numbers = self.key.public_key().public_numbers()
        # {1: 2, 3: -7, -1: 1, -2: x, -3: y}, as CBOR in its canonical form
        cose = bytes.fromhex("a5010203262001215820") + numbers.x.to_bytes(32) + b"\x22\x58\x20" + numbers.y.to_bytes(32)
        attested = bytes(16) + struct.pack(">H", len(self.credential_id)) + self.credential_id + (self.cose or cose)
        data = self._data(ATTESTED) + attested
        head = bytes.fromhex(
            "a363666d74646e6f6e656761747453746d74a068617574684461746159"
        )  # fmt none, attStmt {}, authData
        client = self._client_data("webauthn.create", options["challenge"])
        response = {
            "attestationObject": base64url(head + struct.pack(">H", len(data)) + data),
            "transports": ["internal"],
        }
        return self._credential({"clientDataJSON": base64url(client), **response})

    def sign(self, statement: bytes) -> dict[str, Any]:
        """What `navigator.credentials.get()` gives, as JSON, for the challenge of this statement."""
        self.sign_count += self.counts
        client = self._client_data("webauthn.get", base64url(hashlib.sha256(statement).digest()))
        data = self._data()
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        response = {"authenticatorData": base64url(data), "signature": base64url(signature)}
        return self._credential({"clientDataJSON": base64url(client), "userHandle": base64url(self.handle), **response})

    def _data(self, flags: int = 0) -> bytes:
        flags |= PRESENT | (VERIFIED if self.verifies else 0)
        return hashlib.sha256(self.rp_id.encode()).digest() + bytes([flags]) + struct.pack(">I", self.sign_count)

    def _client_data(self, kind: str, challenge: str) -> bytes:
        told = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False} | self.client
        return json.dumps(told, separators=(",", ":")).encode()

    def _credential(self, response: dict[str, Any]) -> dict[str, Any]:
        named = base64url(self.credential_id)
        return {
            "id": named,
            "rawId": named,
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": response,
        }


class Page(Phone):
    """A page that knows no key of its own: everything is signed by a passkey. Signed in or not."""

    def __init__(self, api: httpx.AsyncClient, passkey: Authenticator) -> None:
        super().__init__(api)
        self.passkey = passkey

    def proof(self, statement: dict[str, Any]) -> dict[str, Any]:
        """`device_id` is null in what a passkey signs, unless a test says otherwise with an id that is no device's."""
        written = statement | {"device_id": statement["device_id"] or None}
        raw = json.dumps(written, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        return {"type": "passkey", "credential": self.passkey.sign(raw)}

    async def challenge(self, purpose: str, subject_id: str | UUID | None = None) -> str:
        if purpose != "sign_in":
            return await super().challenge(purpose, subject_id)
        answer = await self.api.post("/v1/challenges", json={"purpose": "sign_in"})
        expect(answer, 200)
        nonce: str = answer.json()["nonce"]
        return nonce


async def ask_options(phone: Phone) -> dict[str, Any]:
    answer = await phone.request("POST", "/v1/passkeys/options", json={})
    expect(answer, 200)
    options: dict[str, Any] = answer.json()
    return options


async def ask_to_add(
    phone: Phone,
    passkey: Authenticator,
    *,
    name: str = "Kunci di cloud",
    asked: dict[str, Any] | None = None,
    credential: dict[str, Any] | None = None,
    **signed: Any,
) -> httpx.Response:
    """A new passkey, proved by the phone's key; `signed` replaces members of the statement."""
    asked = asked or await ask_options(phone)
    made = credential or passkey.register(asked["options"])
    statement = {
        "version": 1,
        "purpose": "add_key",
        "device_id": phone.device_id,
        "subject_id": passkey.id,
        "nonce": asked["nonce"],
    } | signed
    body = {"name": name, "credential": made, "nonce": asked["nonce"], "proof": phone.proof(statement)}
    return await phone.post("/v1/passkeys", body)


async def add_passkey(phone: Phone, passkey: Authenticator | None = None, *, name: str = "Kunci di cloud") -> Page:
    """A page with a passkey that this phone has vouched for, in the phone's own session until it signs in."""
    passkey = passkey or Authenticator()
    expect(await ask_to_add(phone, passkey, name=name), 201)
    page = Page(phone.api, passkey)
    page.session = phone.session
    return page


def from_base64url(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
