"""Sign out: this phone, or another one."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from litestar import delete
from litestar.di import NamedDependency
from litestar.params import FromPath

from app.identity.problems import SessionUnknown
from app.identity.session import SignedIn
from app.platform.database import Connection
from app.platform.jobs import Doorbell
from app.platform.sql import statement

END = statement("identity/end_session")


@delete("/v1/sessions/current", tags=["identity"])
async def end_current_session(
    connection: NamedDependency[Connection],
    who: NamedDependency[SignedIn],
    now: NamedDependency[datetime],
    doorbell: NamedDependency[Doorbell],
) -> None:
    """Ends the session that asks. Its access token is refused from the commit on, and its streams close."""
    await connection.fetchval(END, who.participant_id, who.session_id, now)
    doorbell.ring(who.participant_id, who.lane)


@delete("/v1/sessions/{session_id:uuid}", opt={"problems": (SessionUnknown,)}, tags=["identity"])
async def end_session(
    session_id: FromPath[UUID],
    connection: NamedDependency[Connection],
    who: NamedDependency[SignedIn],
    now: NamedDependency[datetime],
    doorbell: NamedDependency[Doorbell],
) -> None:
    """Ends any session of mine; one that has ended stays as it is. Errors: 404 `session_unknown`."""
    if await connection.fetchval(END, who.participant_id, session_id, now) is None:
        raise SessionUnknown
    doorbell.ring(who.participant_id, who.lane)
