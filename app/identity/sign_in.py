"""Sign in with a device's key or a passkey."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from app.identity.issue import Session, SessionAnswer, start_session
from app.identity.problems import ChallengeExpired, ChallengeSpent, ProofInvalid
from app.identity.proofs import DeviceKeyProof, NonceText, PasskeyProof, Proof, check_passkey, open_challenge, spend
from app.identity.statements import canonical, decode_base64url, verify_signature, write_device
from app.platform.database import Connection
from app.platform.sql import load
from app.settings import Settings

SQL = load("identity/sign_in")


class SignIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    nonce: NonceText
    proof: Proof


@post(
    "/v1/sessions",
    status_code=201,
    opt={"problems": (ChallengeExpired, ChallengeSpent, ProofInvalid), "public": True},
    tags=["identity"],
)
async def sign_in(
    data: JSONBody[SignIn],
    connection: NamedDependency[Connection],
    now: NamedDependency[datetime],
    settings: NamedDependency[Settings],
) -> SessionAnswer:
    """A session for the key that signed `{version: 1, purpose: "sign_in", device_id, nonce}`; `device_id` is null for a passkey.

    Errors: 403 `proof_invalid` (the same for a key that is unknown, removed, or not the challenge's),
    403 `challenge_expired`, 409 `challenge_spent`.
    """
    device_id = data.proof.device_id
    await open_challenge(
        connection,
        nonce=data.nonce,
        purpose="sign_in",
        participant_id=None,
        subject_id=None,
        device_id=device_id,
        now=now,
    )
    await spend(connection, data.nonce, now)
    signed = {"version": 1, "purpose": "sign_in", "device_id": write_device(device_id), "nonce": data.nonce}
    match data.proof:
        case DeviceKeyProof():
            session = await _by_device(connection, data.proof, signed, settings, now)
        case PasskeyProof():
            session = await _by_passkey(connection, data.proof, signed, settings, now)
    return SessionAnswer(session)


async def _by_device(
    connection: Connection, proof: DeviceKeyProof, signed: dict[str, Any], settings: Settings, now: datetime
) -> Session:
    key = await connection.fetchrow(SQL["device"], proof.device_id)
    if key is None or not verify_signature(key["public_key"], canonical(signed), proof.signature):
        raise ProofInvalid
    return await start_session(
        connection, participant_id=key["participant_id"], device_id=proof.device_id, settings=settings, now=now
    )


async def _by_passkey(
    connection: Connection, proof: PasskeyProof, signed: dict[str, Any], settings: Settings, now: datetime
) -> Session:
    try:
        participant_id = await connection.fetchval(SQL["owner"], decode_base64url(proof.credential.id))
    except ValueError:
        raise ProofInvalid from None
    if participant_id is None:
        raise ProofInvalid
    key = await check_passkey(
        connection, participant_id=participant_id, proof=proof, statement=signed, settings=settings
    )
    return await start_session(
        connection, participant_id=participant_id, passkey_id=key.key_id, settings=settings, now=now
    )
