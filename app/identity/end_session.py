"""Sign out: this phone, another one, or everywhere."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import delete
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from app.identity.problems import HoldInForce, SessionUnknown
from app.identity.session import SignedIn
from app.platform.database import Connection
from app.platform.jobs import Doorbell
from app.platform.sql import load

END = load("identity/end_session")


@delete("/v1/sessions/current", tags=["identity"])
async def end_current_session(
    connection: NamedDependency[Connection],
    who: NamedDependency[SignedIn],
    now: NamedDependency[datetime],
    doorbell: NamedDependency[Doorbell],
) -> None:
    """Ends the session that asks. Its access token is refused from the commit on, and its streams close."""
    await connection.fetchval(END["end"], who.participant_id, who.session_id, now)
    doorbell.ring(who.participant_id, who.lane)


@delete("/v1/sessions/{session_id:uuid}", opt={"problems": (HoldInForce, SessionUnknown)}, tags=["identity"])
async def end_session(
    session_id: FromPath[UUID],
    connection: NamedDependency[Connection],
    who: NamedDependency[SignedIn],
    now: NamedDependency[datetime],
    doorbell: NamedDependency[Doorbell],
) -> None:
    """Ends any session of mine; one that has ended stays as it is. A key on hold ends only its own.

    Errors: 404 `session_unknown`, 403 `hold_in_force`.
    """
    hold_until = await connection.fetchval(END["hold"], who.participant_id, session_id, who.key_id, now)
    if hold_until is not None:
        raise HoldInForce(until=hold_until)
    if await connection.fetchval(END["end"], who.participant_id, session_id, now) is None:
        raise SessionUnknown
    doorbell.ring(who.participant_id, who.lane)


@delete("/v1/sessions", opt={"problems": (HoldInForce,)}, tags=["identity"])
async def end_other_sessions(
    connection: NamedDependency[Connection],
    who: NamedDependency[SignedIn],
    now: NamedDependency[datetime],
    doorbell: NamedDependency[Doorbell],
    current: Annotated[bool, QueryParameter()] = False,
) -> None:
    """Signs out everywhere else; with `current=true` here too. A key on hold cannot end the sessions of other keys.

    Errors: 403 `hold_in_force`, and then none has ended.
    """
    hold_until = await connection.fetchval(END["hold_over_others"], who.participant_id, who.key_id, now)
    if hold_until is not None:
        raise HoldInForce(until=hold_until)
    await connection.execute(END["end_others"], who.participant_id, who.session_id, now, current)
    doorbell.ring(who.participant_id, who.lane)
