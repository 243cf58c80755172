"""Remove a phone: its key, its sessions and its push target end together."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
from litestar import delete
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.devices.problems import DeviceUnknown
from app.identity.problems import ChallengeExpired, ChallengeSpent, HoldInForce, ProofInvalid
from app.identity.proofs import NonceText, Proof, check_hold, check_proof, open_challenge, spend
from app.identity.session import SignedIn
from app.identity.statements import subject_statement
from app.platform.database import Connection
from app.platform.jobs import Doorbell
from app.platform.sql import load
from app.settings import Settings

SQL = load("devices/remove")


class Removal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    nonce: NonceText
    proof: Proof


@delete(
    "/v1/devices/{device_id:uuid}",
    opt={"problems": (ChallengeExpired, ChallengeSpent, DeviceUnknown, HoldInForce, ProofInvalid)},
    tags=["devices"],
)
async def remove_device(
    device_id: FromPath[UUID],
    data: JSONBody[Removal],
    connection: NamedDependency[Connection],
    who: NamedDependency[SignedIn],
    now: NamedDependency[datetime],
    doorbell: NamedDependency[Doorbell],
    settings: NamedDependency[Settings],
) -> None:
    """Removes one of my devices, proved by this phone's key or a passkey over a `remove_key` statement about that device.

    A key on hold may remove itself and no other: a thief's new key must not drive out the owner's old one. Who removes
    their last key enrols anew to come back, as on a new phone. Errors: 404
    `device_unknown`, 403 `proof_invalid`, `challenge_expired`, `hold_in_force {until}`, 409 `challenge_spent`.
    """
    if not await connection.fetchval(SQL["find"], who.participant_id, device_id):
        raise DeviceUnknown
    await open_challenge(
        connection,
        nonce=data.nonce,
        purpose="remove_key",
        participant_id=who.participant_id,
        subject_id=device_id,
        now=now,
    )
    await spend(connection, data.nonce, now)
    statement = subject_statement(
        purpose="remove_key", device_id=data.proof.device_id, subject_id=device_id, nonce=data.nonce
    )
    key = await check_proof(connection, who=who, proof=data.proof, statement=statement, settings=settings)
    if device_id != key.key_id:
        check_hold(key, now)
    cause_id = await connection.fetchval(SQL["record_cause"], who.participant_id, key.key_id)
    await connection.execute(SQL["remove"], who.participant_id, device_id, now, cause_id)
    await connection.execute(SQL["end_sessions"], who.participant_id, device_id, now)
    await connection.execute(SQL["clear_push_target"], who.participant_id, device_id, now)
    doorbell.ring(who.participant_id, who.lane)
