"""Renew a session's tokens."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from app.identity.issue import SessionAnswer, issue
from app.identity.problems import NotSignedIn, ProofInvalid, RefreshTokenReused
from app.identity.proofs import DeviceKeyProof, PasskeyProof, Proof, check_passkey
from app.identity.statements import canonical, verify_signature, write_device
from app.identity.tokens import RefreshToken, Tokens
from app.platform.database import Connection
from app.platform.jobs import Doorbell
from app.platform.sql import load
from app.settings import Settings

SQL = load("identity/refresh")


class Refresh(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    refresh_token: Annotated[str, msgspec.Meta(max_length=200)]
    proof: Proof


@post(
    "/v1/sessions/refresh",
    status_code=200,
    opt={"problems": (NotSignedIn, ProofInvalid, RefreshTokenReused), "public": True},
    tags=["identity"],
)
async def refresh_session(
    data: JSONBody[Refresh],
    connection: NamedDependency[Connection],
    now: NamedDependency[datetime],
    doorbell: NamedDependency[Doorbell],
    settings: NamedDependency[Settings],
) -> SessionAnswer:
    """New tokens for the session's key, which signed `{version: 1, purpose: "refresh", device_id, refresh_token_sha256}`.

    The newest token rotates. The one just before yields the same successor, so that a phone whose answer was lost may
    ask again. Anything older ends the session and is an entry. Errors: 401 `not_signed_in` (ended, expired, forged),
    401 `refresh_token_reused`, 403 `proof_invalid`.
    """
    token = Tokens(settings.secret).read_refresh(data.refresh_token)
    if token is None:
        raise NotSignedIn
    session = await connection.fetchrow(SQL["find"], token.participant_id, token.session_id)
    if session is None:
        raise NotSignedIn
    # The key first: an old token without it is worth nothing, and so ends nothing.
    await _check_key(connection, token.participant_id, session, data, settings)
    refresh_expires_at = await _advance(connection, token, settings, now)
    if refresh_expires_at is None:
        await _end_for_reuse(connection, token, session, now)
        doorbell.ring(token.participant_id, session["lane"])
        raise RefreshTokenReused
    successor = RefreshToken(token.participant_id, token.session_id, token.generation + 1)
    return SessionAnswer(issue(successor, settings=settings, now=now, refresh_expires_at=refresh_expires_at))


async def _check_key(
    connection: Connection, participant_id: UUID, session: asyncpg.Record, data: Refresh, settings: Settings
) -> None:
    """The proof is of the very key that the session was begun by, device or passkey. Raises ProofInvalid."""
    signed: dict[str, Any] = {
        "version": 1,
        "purpose": "refresh",
        "device_id": write_device(session["device_id"]),
        "refresh_token_sha256": hashlib.sha256(data.refresh_token.encode()).hexdigest(),
    }
    match data.proof:
        case DeviceKeyProof(device_id, signature):
            if device_id != session["device_id"] or not verify_signature(
                session["public_key"], canonical(signed), signature
            ):
                raise ProofInvalid
        case PasskeyProof():
            if session["passkey_id"] is None:
                raise ProofInvalid
            key = await check_passkey(
                connection, participant_id=participant_id, proof=data.proof, statement=signed, settings=settings
            )
            if key.key_id != session["passkey_id"]:
                raise ProofInvalid


async def _advance(connection: Connection, token: RefreshToken, settings: Settings, now: datetime) -> datetime | None:
    """When the successor's refresh expires; None when the token is older than the one just before the newest.

    Compare-and-set: of twenty that come at once with one token the first rotates, and the others find its successor.
    """
    whose = (token.participant_id, token.session_id, token.generation)
    until = now + timedelta(seconds=settings.session_idle_s)
    at_most = timedelta(seconds=settings.session_absolute_s)
    rotated: datetime | None = await connection.fetchval(SQL["rotate"], *whose, now, until, at_most)
    if rotated is None:
        rotated = await connection.fetchval(SQL["just_before"], *whose)
    return rotated


async def _end_for_reuse(connection: Connection, token: RefreshToken, session: asyncpg.Record, now: datetime) -> None:
    cause_id = await connection.fetchval(SQL["record_cause"], token.participant_id)
    if await connection.fetchval(SQL["end"], token.participant_id, token.session_id, now):
        note: dict[str, Any] = {"session_id": str(token.session_id), "device_id": write_device(session["device_id"])}
        if session["passkey_id"] is not None:
            note |= {"passkey_id": str(session["passkey_id"])}
        await connection.execute(SQL["add_note"], token.participant_id, cause_id, note)
