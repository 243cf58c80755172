"""Where am I signed in?"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from app.identity.session import SignedIn
from app.platform.database import Connection
from app.platform.sql import statement

LIVING = statement("identity/list_sessions")


class LivingSession(msgspec.Struct, frozen=True):
    """`current` is the one that asks. Begun by a device or a passkey (platform `passkey`): the other id is null.

    `device_name` is the name of the key, whichever it is.
    """

    session_id: UUID
    device_id: UUID | None
    passkey_id: UUID | None
    device_name: str
    platform: str
    started_at: datetime
    refreshed_at: datetime
    current: bool


class LivingSessions(msgspec.Struct, frozen=True):
    sessions: list[LivingSession]
    next_cursor: UUID | None


@get("/v1/sessions", tags=["identity"])
async def list_sessions(
    connection: NamedDependency[Connection],
    who: NamedDependency[SignedIn],
    now: NamedDependency[datetime],
    cursor: Annotated[UUID | None, QueryParameter()] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=100)] = 50,
) -> LivingSessions:
    """My sessions that have not ended, newest first."""
    rows = await connection.fetch(LIVING, who.participant_id, who.session_id, now, cursor, limit + 1)
    sessions = msgspec.convert(rows[:limit], list[LivingSession])
    return LivingSessions(sessions, sessions[-1].session_id if len(rows) > limit else None)
