"""Sign in with a device's key."""

from __future__ import annotations

from datetime import datetime

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from app.identity.issue import SessionAnswer, start_session
from app.identity.problems import ChallengeExpired, ChallengeSpent, ProofInvalid
from app.identity.proofs import NonceText, Proof, open_challenge, spend
from app.identity.statements import canonical, verify_signature
from app.platform.database import Connection
from app.platform.sql import statement
from app.settings import Settings

KEY = statement("identity/sign_in")


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
    """A session for the device that signed `{version: 1, purpose: "sign_in", device_id, nonce}`.

    Errors: 403 `proof_invalid` (the same for a device that is unknown, removed, or not the challenge's),
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
    signed = {"version": 1, "purpose": "sign_in", "device_id": str(device_id), "nonce": data.nonce}
    key = await connection.fetchrow(KEY, device_id)
    if key is None or not verify_signature(key["public_key"], canonical(signed), data.proof.signature):
        raise ProofInvalid
    session = await start_session(
        connection, participant_id=key["participant_id"], device_id=device_id, settings=settings, now=now
    )
    return SessionAnswer(session)
