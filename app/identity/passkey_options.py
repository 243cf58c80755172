"""What a client hands to the browser to make a passkey or to have one sign, in WebAuthn's own JSON form."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

import msgspec

from app.identity.statements import encode_base64url
from app.platform.database import Connection
from app.platform.relying_party import RelyingParty
from app.platform.sealing import Sealer
from app.platform.sql import load

SQL = load("identity/passkey_options")
TIMEOUT_MS = 300_000  # as long as a challenge lives
ES256 = -7
NAME = "Sepakat"


class Descriptor(msgspec.Struct, frozen=True):
    """A passkey that is meant, or that is there already."""

    type: Literal["public-key"]
    id: str
    transports: list[str]


class RequestOptions(msgspec.Struct, frozen=True, rename="camel"):
    """For `navigator.credentials.get()`. The client adds `challenge`: the base64url of the SHA-256 of its statement's bytes.

    `allow_credentials` is empty for signing in: the browser offers what it holds for us.
    """

    rp_id: str
    allow_credentials: list[Descriptor]
    timeout: int = TIMEOUT_MS
    user_verification: Literal["required"] = "required"


class Party(msgspec.Struct, frozen=True):
    id: str
    name: str


class User(msgspec.Struct, frozen=True, rename="camel"):
    """`id` is random and says nothing of the person; the names are shown by their own devices only."""

    id: str
    name: str
    display_name: str


class Algorithm(msgspec.Struct, frozen=True):
    type: Literal["public-key"] = "public-key"
    alg: int = ES256


class Selection(msgspec.Struct, frozen=True, rename="camel"):
    resident_key: Literal["required"] = "required"
    require_resident_key: bool = True
    user_verification: Literal["required"] = "required"


class CreationOptions(msgspec.Struct, frozen=True, rename="camel"):
    """For `navigator.credentials.create()`, as it is; `challenge` is the nonce."""

    rp: Party
    user: User
    challenge: str
    exclude_credentials: list[Descriptor]
    timeout: int = TIMEOUT_MS
    attestation: Literal["none"] = "none"
    authenticator_selection: Selection = Selection()
    pub_key_cred_params: list[Algorithm] = msgspec.field(default_factory=lambda: [Algorithm()])


async def list_descriptors(connection: Connection, participant_id: UUID) -> list[Descriptor]:
    """Every living passkey of a participant, newest first."""
    rows = await connection.fetch(SQL["living"], participant_id)
    return [Descriptor("public-key", encode_base64url(row["credential_id"]), row["transports"]) for row in rows]


async def request_options(
    connection: Connection, party: RelyingParty | None, participant_id: UUID
) -> RequestOptions | None:
    """For a proof by one of this participant's passkeys; None when there is none, or no passkeys here at all."""
    mine = [] if party is None else await list_descriptors(connection, participant_id)
    return RequestOptions(party.id, mine) if party and mine else None


async def creation_options(
    connection: Connection, party: RelyingParty, participant_id: UUID, nonce: str, sealer: Sealer
) -> CreationOptions:
    """For a new passkey of this participant."""
    person = await connection.fetchrow(SQL["person"], participant_id)
    name, nik = "", ""
    if person is not None:
        name, nik = person["name"], sealer.open(person["nik_sealed"], column="nik", row=participant_id)
    return CreationOptions(
        rp=Party(party.id, NAME),
        user=User(encode_base64url(participant_id.bytes), f"{name} ({nik[-4:]})", name),
        challenge=nonce,
        exclude_credentials=await list_descriptors(connection, participant_id),
    )
