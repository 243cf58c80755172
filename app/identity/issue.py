"""A session as its phone gets it: derived from the row, never stored."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from app.identity.tokens import AccessToken, RefreshToken, Tokens
from app.platform.database import Connection, new_id
from app.platform.sql import statement
from app.settings import Settings

START = statement("identity/issue")


class Session(msgspec.Struct, frozen=True):
    """Tokens with the instants at which they expire; a refresh moves both."""

    session_id: UUID
    access_token: str
    access_expires_at: datetime
    refresh_token: str
    refresh_expires_at: datetime


class SessionAnswer(msgspec.Struct, frozen=True):
    session: Session


async def start_session(
    connection: Connection,
    *,
    participant_id: UUID,
    device_id: UUID | None = None,
    passkey_id: UUID | None = None,
    settings: Settings,
    now: datetime,
) -> Session:
    """A new session of a device whose key was just proved or enrolled, or of a passkey that was just used."""
    session_id = new_id()
    refresh_expires_at = now + timedelta(seconds=min(settings.session_idle_s, settings.session_absolute_s))
    await connection.execute(START, participant_id, session_id, device_id, passkey_id, now, refresh_expires_at)
    token = RefreshToken(participant_id, session_id, generation=0)
    return issue(token, settings=settings, now=now, refresh_expires_at=refresh_expires_at)


def issue(token: RefreshToken, *, settings: Settings, now: datetime, refresh_expires_at: datetime) -> Session:
    """The tokens of one generation of a session. The access token is a new one each time."""
    tokens = Tokens(settings.secret)
    access_expires_at = min(now + timedelta(seconds=settings.access_token_ttl_s), refresh_expires_at).replace(
        microsecond=0
    )
    access = AccessToken(token.participant_id, token.session_id, access_expires_at)
    return Session(
        session_id=token.session_id,
        access_token=tokens.issue_access(access),
        access_expires_at=access_expires_at,
        refresh_token=tokens.issue_refresh(token),
        refresh_expires_at=refresh_expires_at,
    )
