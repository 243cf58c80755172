"""Renew a session's tokens."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Annotated

import asyncpg
import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from app.identity.issue import SessionAnswer, issue
from app.identity.problems import NotSignedIn, ProofInvalid, RefreshTokenReused
from app.identity.proofs import Proof
from app.identity.statements import canonical, verify_signature
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
    """New tokens for the device that signed `{version: 1, purpose: "refresh", device_id, refresh_token_sha256}`.

    The newest token rotates. The one just before yields the same successor, so that a phone whose answer was lost may
    ask again. Anything older ends the session and is an entry. Errors: 401 `not_signed_in` (ended, expired, forged),
    401 `refresh_token_reused`, 403 `proof_invalid`.
    """
    token = Tokens(settings.secret).read_refresh(data.refresh_token)
    if token is None:
        raise NotSignedIn
    session = await connection.fetchrow(SQL["find"], token.participant_id, token.session_id, now)
    if session is None:
        raise NotSignedIn
    # The key first: an old token without it is worth nothing, and so ends nothing.
    _check_key(session, data)
    refresh_expires_at = await _advance(connection, token, settings, now)
    if refresh_expires_at is None:
        await _end_for_reuse(connection, token, session["device_id"], now)
        doorbell.ring(token.participant_id, session["lane"])
        raise RefreshTokenReused
    successor = RefreshToken(token.participant_id, token.session_id, token.generation + 1)
    return SessionAnswer(issue(successor, settings=settings, now=now, refresh_expires_at=refresh_expires_at))


def _check_key(session: asyncpg.Record, data: Refresh) -> None:
    signed = {
        "version": 1,
        "purpose": "refresh",
        "device_id": str(session["device_id"]),
        "refresh_token_sha256": hashlib.sha256(data.refresh_token.encode()).hexdigest(),
    }
    if data.proof.device_id != session["device_id"]:
        raise ProofInvalid
    if not verify_signature(session["public_key"], canonical(signed), data.proof.signature):
        raise ProofInvalid


async def _advance(connection: Connection, token: RefreshToken, settings: Settings, now: datetime) -> datetime | None:
    """When the successor's refresh expires; None when the token is older than the one just before the newest.

    Compare-and-set: of twenty that come at once with one token the first rotates, and the others find its successor.
    """
    whose = (token.participant_id, token.session_id, token.generation)
    until = now + timedelta(seconds=settings.refresh_token_ttl_s)
    rotated: datetime | None = await connection.fetchval(SQL["rotate"], *whose, now, until)
    if rotated is None:
        rotated = await connection.fetchval(SQL["just_before"], *whose)
    return rotated


async def _end_for_reuse(connection: Connection, token: RefreshToken, device_id: object, now: datetime) -> None:
    cause_id = await connection.fetchval(SQL["record_cause"], token.participant_id)
    if await connection.fetchval(SQL["end"], token.participant_id, token.session_id, now):
        note = {"session_id": str(token.session_id), "device_id": str(device_id)}
        await connection.execute(SQL["add_note"], token.participant_id, cause_id, note)
