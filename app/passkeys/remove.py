"""Remove a passkey: it and the sessions that it began end together."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
from litestar import delete
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.identity.problems import ChallengeExpired, ChallengeSpent, HoldInForce, ProofInvalid
from app.identity.proofs import NonceText, Proof, check_hold, check_proof, open_challenge, spend
from app.identity.session import SignedIn
from app.identity.statements import subject_statement
from app.passkeys.problems import PasskeyUnknown
from app.platform.database import Connection
from app.platform.jobs import Doorbell
from app.platform.sql import load
from app.settings import Settings

SQL = load("passkeys/remove")


class PasskeyRemoval(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    nonce: NonceText
    proof: Proof


@delete(
    "/v1/passkeys/{passkey_id:uuid}",
    opt={"problems": (ChallengeExpired, ChallengeSpent, HoldInForce, PasskeyUnknown, ProofInvalid)},
    tags=["passkeys"],
)
async def remove_passkey(
    passkey_id: FromPath[UUID],
    data: JSONBody[PasskeyRemoval],
    connection: NamedDependency[Connection],
    who: NamedDependency[SignedIn],
    now: NamedDependency[datetime],
    doorbell: NamedDependency[Doorbell],
    settings: NamedDependency[Settings],
) -> None:
    """Removes one of my passkeys, proved by a key of mine over a `remove_key` statement whose subject is that passkey.

    A key on hold may remove itself and no other. Who removes their last key enrols anew to come back, as on a new phone.
    Errors: 404 `passkey_unknown`, 403 `proof_invalid`, `challenge_expired`, `hold_in_force {until}`, 409 `challenge_spent`.
    """
    if not await connection.fetchval(SQL["find"], who.participant_id, passkey_id):
        raise PasskeyUnknown
    await open_challenge(
        connection,
        nonce=data.nonce,
        purpose="remove_key",
        participant_id=who.participant_id,
        subject_id=passkey_id,
        now=now,
    )
    await spend(connection, data.nonce, now)
    statement = subject_statement(
        purpose="remove_key", device_id=data.proof.device_id, subject_id=passkey_id, nonce=data.nonce
    )
    key = await check_proof(connection, who=who, proof=data.proof, statement=statement, settings=settings)
    if passkey_id != key.key_id:
        check_hold(key, now)
    cause_id = await connection.fetchval(SQL["record_cause"], who.participant_id, key.key_id)
    await connection.execute(SQL["remove"], who.participant_id, passkey_id, now, cause_id)
    await connection.execute(SQL["end_sessions"], who.participant_id, passkey_id, now)
    doorbell.ring(who.participant_id, who.lane)
