"""Proofs: that the person asking holds the key of this phone and agreed to exactly this statement, now.

The order is always the same: open the challenge, look at what the proof is about, spend the challenge, check the proof.
A refusal after the challenge is spent leaves its trace: no nonce is ever tried twice.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from app.identity.problems import (
    ChallengeExpired,
    ChallengeSpent,
    ChallengeUnknown,
    HoldInForce,
    ProofInvalid,
)
from app.identity.session import SignedIn
from app.identity.statements import canonical, decode_nonce, verify_signature
from app.platform.database import Connection
from app.platform.sql import load

SQL = load("identity/proofs")

NonceText = Annotated[str, msgspec.Meta(min_length=43, max_length=43)]
"""A nonce as it comes in a request: 32 bytes, base64url."""


class DeviceKeyProof(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="device_key"):
    """A device key's signature: ES256 over the statement's canonical bytes, raw r‖s, base64url."""

    device_id: UUID
    signature: Annotated[str, msgspec.Meta(max_length=100)]


Proof = DeviceKeyProof


class Key(msgspec.Struct, frozen=True):
    """The living device key that signed. `hold_until`: it confirms nothing before; None when it is free."""

    device_id: UUID
    public_key: dict[str, Any]
    hold_until: datetime | None


async def open_challenge(
    connection: Connection,
    *,
    nonce: str,
    purpose: str,
    participant_id: UUID | None,
    subject_id: UUID | None,
    now: datetime,
    device_id: UUID | None = None,
) -> None:
    """Locks the challenge, not yet spending it. `participant_id` None and `device_id` given only for `sign_in`.

    Raises ChallengeUnknown (also when it was made for another person, purpose or subject), ChallengeSpent,
    ChallengeExpired.
    """
    try:
        raw = decode_nonce(nonce)
    except ValueError:
        raise ChallengeUnknown from None
    row = await connection.fetchrow(SQL["open"], raw)
    asked = (purpose, participant_id, subject_id, device_id)
    if row is None or asked != (row["purpose"], row["participant_id"], row["subject_id"], row["device_id"]):
        raise ChallengeUnknown
    if row["spent_at"] is not None:
        raise ChallengeSpent
    if row["expires_at"] <= now:
        raise ChallengeExpired


async def spend(connection: Connection, nonce: str, now: datetime) -> None:
    """Spends a challenge that `open_challenge` has locked in this transaction."""
    await connection.execute(SQL["spend"], decode_nonce(nonce), now)


async def check_proof(connection: Connection, *, who: SignedIn, proof: Proof, statement: dict[str, Any]) -> Key:
    """The key that signed `statement`: this participant's living device, the one of this very session.

    Raises ProofInvalid, which keeps what was written before (the spent challenge).
    """
    row = await connection.fetchrow(SQL["living_key"], who.participant_id, proof.device_id)
    if row is None or proof.device_id != who.device_id:
        raise ProofInvalid
    if not verify_signature(row["public_key"], canonical(statement), proof.signature):
        raise ProofInvalid
    return Key(device_id=proof.device_id, public_key=row["public_key"], hold_until=row["hold_until"])


def check_hold(key: Key, now: datetime) -> None:
    """Raises HoldInForce with `until` while the key may not confirm yet."""
    if key.hold_until is not None and now < key.hold_until:
        raise HoldInForce(until=key.hold_until)
