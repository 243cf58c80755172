"""Proofs: that the person asking holds a key of theirs and agreed to exactly this statement, now.

The order is always the same: open the challenge, look at what the proof is about, spend the challenge, check the proof.
A refusal after the challenge is spent leaves its trace: no nonce is ever tried twice.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import msgspec
import structlog

from app.identity.authenticator import AssertedCredential, Evidence, Use, take_evidence, verify_evidence
from app.identity.key_seal import is_ours
from app.identity.problems import (
    ChallengeExpired,
    ChallengeSpent,
    ChallengeUnknown,
    HoldInForce,
    ProofInvalid,
)
from app.identity.session import SignedIn
from app.identity.statements import canonical, decode_base64url, decode_nonce, verify_signature
from app.platform.database import Connection
from app.platform.relying_party import find_relying_party
from app.platform.sql import load
from app.settings import Settings

log = structlog.get_logger()

SQL = load("identity/proofs")

NonceText = Annotated[str, msgspec.Meta(min_length=43, max_length=43)]
"""A nonce as it comes in a request: 32 bytes, base64url."""


class DeviceKeyProof(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="device_key"):
    """A device key's signature: ES256 over the statement's canonical bytes, raw r‖s, base64url."""

    device_id: UUID
    signature: Annotated[str, msgspec.Meta(max_length=100)]


class PasskeyProof(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="passkey"):
    """A passkey's assertion, user verified, whose challenge is the SHA-256 of the statement's canonical bytes."""

    credential: AssertedCredential

    @property
    def device_id(self) -> None:
        """What a statement that a passkey signs says in `device_id`: it is on no device in particular."""
        return


Proof = DeviceKeyProof | PasskeyProof


class Key(msgspec.Struct, frozen=True):
    """The living key that signed: of a device, or a passkey. `hold_until`: it confirms nothing before; None when it is free.

    `evidence` is the proof as it is kept, beside the bytes that were signed.
    """

    key_id: UUID
    device_id: UUID | None
    passkey_id: UUID | None
    public_key: dict[str, Any]
    added_at: datetime
    hold_until: datetime | None
    evidence: dict[str, Any]


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


async def check_proof(
    connection: Connection, *, who: SignedIn, proof: Proof, statement: dict[str, Any], settings: Settings
) -> Key:
    """The key that signed `statement`: the living device of this very session, or any living passkey of this participant.

    A passkey goes along with its owner: on whichever device they are signed in, it is theirs. Raises ProofInvalid, which
    keeps what was written before (the spent challenge).
    """
    match proof:
        case DeviceKeyProof():
            return await _check_device_key(connection, who, proof, statement, settings)
        case PasskeyProof():
            return await check_passkey(
                connection, participant_id=who.participant_id, proof=proof, statement=statement, settings=settings
            )


async def _check_device_key(
    connection: Connection, who: SignedIn, proof: DeviceKeyProof, statement: dict[str, Any], settings: Settings
) -> Key:
    # First the head, under which keys come and go: a key that was removed meanwhile must not prove what follows.
    await connection.fetchrow(SQL["lock"], who.participant_id)
    row = await connection.fetchrow(SQL["living_key"], who.participant_id, proof.device_id)
    if row is None or proof.device_id != who.device_id:
        raise ProofInvalid
    _refuse_unsealed(settings, who.participant_id, proof.device_id, row)
    if not verify_signature(row["public_key"], canonical(statement), proof.signature):
        raise ProofInvalid
    return Key(
        key_id=proof.device_id,
        device_id=proof.device_id,
        passkey_id=None,
        public_key=row["public_key"],
        added_at=row["added_at"],
        hold_until=row["hold_until"],
        evidence=msgspec.to_builtins(proof),
    )


async def check_passkey(
    connection: Connection, *, participant_id: UUID, proof: PasskeyProof, statement: dict[str, Any], settings: Settings
) -> Key:
    """The living passkey of this participant that asserted `statement`, its use counted. Raises ProofInvalid."""
    party = find_relying_party(settings)
    credential = proof.credential
    handle = credential.response.user_handle
    # Before the passkey, which this changes: the participant's head, as everywhere.
    await connection.fetchrow(SQL["lock"], participant_id)
    try:
        row = await connection.fetchrow(SQL["living_passkey"], participant_id, decode_base64url(credential.id))
        if party is None or row is None:
            raise ProofInvalid
        _refuse_unsealed(settings, participant_id, row["passkey_id"], row)
        if handle and decode_base64url(handle) != participant_id.bytes:
            raise ProofInvalid
        evidence = take_evidence(credential, row["passkey_id"], party)
        use = verify_evidence(evidence, row["public_key"], canonical(statement))
    except ValueError as error:
        log.info("passkey_refused", reason=str(error))
        raise ProofInvalid from None
    await _count_use(connection, participant_id, evidence, use)
    return Key(
        key_id=row["passkey_id"],
        device_id=None,
        passkey_id=row["passkey_id"],
        public_key=row["public_key"],
        added_at=row["added_at"],
        hold_until=row["hold_until"],
        evidence=msgspec.to_builtins(evidence),
    )


def _refuse_unsealed(settings: Settings, participant_id: UUID, key_id: UUID, row: asyncpg.Record) -> None:
    if not is_ours(settings, participant_id, key_id, row["public_key"], row["seal"]):
        log.error("key_without_seal", key_id=str(key_id))
        raise ProofInvalid


async def _count_use(connection: Connection, participant_id: UUID, evidence: Evidence, use: Use) -> None:
    """A counter that goes back says that there are two of what should be one; where it is always 0 there are copies by design."""
    whose = (participant_id, evidence.passkey_id)
    if await connection.fetchval(SQL["count_use"], *whose, use.sign_count, use.synced) is None:
        log.warning("passkey_counter_went_back", passkey_id=str(evidence.passkey_id), sign_count=use.sign_count)
        raise ProofInvalid


def holds(
    *,
    public_key: dict[str, Any],
    device_id: UUID | None,
    passkey_id: UUID | None,
    statement: bytes,
    proof: dict[str, Any],
) -> bool:
    """Whether a proof that was kept is one of this key over these bytes. Pure."""
    try:
        kept: DeviceKeyProof | Evidence = msgspec.convert(proof, DeviceKeyProof | Evidence)
        match kept:
            case DeviceKeyProof():
                mine = (kept.device_id, None) == (device_id, passkey_id)
                return mine and verify_signature(public_key, statement, kept.signature)
            case Evidence():
                verify_evidence(kept, public_key, statement)
                return (None, kept.passkey_id) == (device_id, passkey_id)
    except (ValueError, msgspec.ValidationError):
        return False


def check_hold(key: Key, now: datetime) -> None:
    """Raises HoldInForce with `until` while the key may not confirm yet."""
    if key.hold_until is not None and now < key.hold_until:
        raise HoldInForce(until=key.hold_until)
