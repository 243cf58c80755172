"""POST /v1/possible-matches/{id}/not-mine: remembered for ever."""

from __future__ import annotations

from uuid import UUID

from litestar import post
from litestar.di import NamedDependency
from litestar.params import FromPath

from app.identity.session import SignedIn
from app.matches.claim import SQL, require_suggested
from app.matches.problems import MatchAnswered, MatchUnknown
from app.matches.show import PossibleMatch, read_match
from app.platform.database import Connection
from app.platform.jobs import Doorbell


@post(
    "/v1/possible-matches/{match_id:uuid}/not-mine",
    status_code=200,
    opt={"problems": (MatchAnswered, MatchUnknown)},
    tags=["cards"],
)
async def disown(
    match_id: FromPath[UUID],
    connection: NamedDependency[Connection],
    doorbell: NamedDependency[Doorbell],
    who: NamedDependency[SignedIn],
) -> PossibleMatch:
    """This card is not mine. It is never suggested to me again."""
    await require_suggested(connection, who.participant_id, match_id)
    await connection.execute(SQL["disown"], who.participant_id, match_id, str(who.key_id))
    doorbell.ring(who.participant_id, who.lane)
    return await read_match(connection, who.participant_id, match_id)
