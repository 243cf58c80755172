"""A living phone is asked before a new one is added: it approves with its key, or says that this was not its owner."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import asyncpg
import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from app.identity.add_key import NewKey, add_key
from app.identity.problems import ChallengeExpired, ChallengeSpent, EnrolmentUnknown, HoldInForce, ProofInvalid
from app.identity.proofs import NonceText, Proof, check_hold, check_proof, open_challenge, spend
from app.identity.session import SignedIn
from app.identity.statements import subject_statement
from app.platform.database import Connection
from app.platform.jobs import Doorbell
from app.platform.sql import load
from app.settings import Settings

SQL = load("identity/answer_enrolment")


class WaitingEnrolment(msgspec.Struct, frozen=True):
    """A phone that wants to be added. Both phones show the end of `id`: only the one in the owner's hand has the same.

    `device_name` is what whoever asks has written there.
    """

    id: UUID
    device_name: str
    platform: str
    asked_at: datetime
    expires_at: datetime


class WaitingEnrolments(msgspec.Struct, frozen=True):
    enrolments: list[WaitingEnrolment]
    next_cursor: UUID | None


class Approval(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`nonce` of an `add_key` challenge whose subject is the enrolment; the proof is over that statement."""

    nonce: NonceText
    proof: Proof


class Approved(msgspec.Struct, frozen=True):
    """The phone that can sign in from now on."""

    device_id: UUID


class Refusal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to say: it was not me."""


@get("/v1/enrolments", tags=["identity"])
async def list_enrolments(
    connection: NamedDependency[Connection],
    who: NamedDependency[SignedIn],
    now: NamedDependency[datetime],
    cursor: Annotated[UUID | None, QueryParameter()] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=100)] = 50,
) -> WaitingEnrolments:
    """New phones that wait to be added to my account, newest first."""
    rows = await connection.fetch(SQL["waiting"], who.participant_id, now, cursor, limit + 1)
    waiting = msgspec.convert(rows[:limit], list[WaitingEnrolment])
    return WaitingEnrolments(waiting, waiting[-1].id if len(rows) > limit else None)


@post(
    "/v1/enrolments/{enrolment_id:uuid}/approval",
    status_code=200,
    opt={"problems": (ChallengeExpired, ChallengeSpent, EnrolmentUnknown, HoldInForce, ProofInvalid)},
    tags=["identity"],
)
async def approve_enrolment(
    enrolment_id: FromPath[UUID],
    data: JSONBody[Approval],
    connection: NamedDependency[Connection],
    who: NamedDependency[SignedIn],
    now: NamedDependency[datetime],
    doorbell: NamedDependency[Doorbell],
    settings: NamedDependency[Settings],
) -> Approved:
    """Adds the new phone without a hold, vouched for by this one; no code is sent any more.

    Proved by this phone's key or a passkey over an `add_key` statement whose subject is the enrolment. The new phone then
    signs in with its key: its device id is the enrolment's. Errors: 404 `enrolment_unknown` (also when it expired or was
    answered), 403 `proof_invalid`, `challenge_expired`, `hold_in_force {until}`, 409 `challenge_spent`.
    """
    enrolment = await _lock(connection, who, enrolment_id, now)
    await open_challenge(
        connection,
        nonce=data.nonce,
        purpose="add_key",
        participant_id=who.participant_id,
        subject_id=enrolment_id,
        now=now,
    )
    await spend(connection, data.nonce, now)
    statement = subject_statement(
        purpose="add_key", device_id=data.proof.device_id, subject_id=enrolment_id, nonce=data.nonce
    )
    key = await check_proof(connection, who=who, proof=data.proof, statement=statement, settings=settings)
    check_hold(key, now)
    cause_id = await connection.fetchval(SQL["answer"], who.participant_id, enrolment_id, key.key_id, "approved")
    new = msgspec.convert(dict(enrolment), NewKey)
    await add_key(connection, new, cause_id=cause_id, settings=settings, now=now, vouched_by=key.key_id)
    doorbell.ring(who.participant_id, who.lane)
    return Approved(device_id=enrolment["device_id"])


@post(
    "/v1/enrolments/{enrolment_id:uuid}/refusal",
    status_code=204,
    opt={"problems": (EnrolmentUnknown, HoldInForce)},
    tags=["identity"],
)
async def refuse_enrolment(
    enrolment_id: FromPath[UUID],
    data: JSONBody[Refusal],  # noqa: ARG001 - an unknown member is refused
    connection: NamedDependency[Connection],
    who: NamedDependency[SignedIn],
    now: NamedDependency[datetime],
    doorbell: NamedDependency[Doorbell],
) -> None:
    """This was not me: no code goes out for it, and one that went out is worth nothing.

    A key on hold refuses nobody (403 `hold_in_force {until}`): a thief's new key must not keep the owner out. Errors: 404
    `enrolment_unknown`.
    """
    await _lock(connection, who, enrolment_id, now)
    hold_until = await connection.fetchval(SQL["key"], who.participant_id, who.key_id)
    if hold_until is not None and now < hold_until:
        raise HoldInForce(until=hold_until)
    await connection.fetchval(SQL["answer"], who.participant_id, enrolment_id, who.key_id, "refused")
    doorbell.ring(who.participant_id, who.lane)


async def _lock(connection: Connection, who: SignedIn, enrolment_id: UUID, now: datetime) -> asyncpg.Record:
    """The enrolment, before the person's head: verification takes them in this order too. Raises EnrolmentUnknown."""
    row = await connection.fetchrow(SQL["lock"], who.participant_id, enrolment_id, now)
    if row is None:
        raise EnrolmentUnknown
    return row
