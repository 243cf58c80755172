"""POST /v1/possible-matches/{id}/claim: this card is mine, and here are the papers. Opens a case of 3×24 hours."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.identity.session import SignedIn
from app.matches.problems import DocumentMissing, MatchAnswered, MatchUnknown
from app.matches.show import PossibleMatch, read_match
from app.platform.database import Connection, new_id
from app.platform.jobs import Doorbell
from app.platform.sql import load

SQL = load("matches/answer")


class MatchClaim(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`document_ids`: what was uploaded about this possible match."""

    document_ids: Annotated[list[UUID], msgspec.Meta(min_length=1, max_length=20)]


@post(
    "/v1/possible-matches/{match_id:uuid}/claim",
    status_code=200,
    opt={"problems": (DocumentMissing, MatchAnswered, MatchUnknown)},
    tags=["cards"],
)
async def claim(
    match_id: FromPath[UUID],
    data: JSONBody[MatchClaim],
    connection: NamedDependency[Connection],
    doorbell: NamedDependency[Doorbell],
    who: NamedDependency[SignedIn],
) -> PossibleMatch:
    """Claims a suggested card. Nothing moves until staff have decided by the papers."""
    await require_suggested(connection, who.participant_id, match_id)
    documents = sorted(set(data.document_ids))
    await connection.execute(SQL["claim"], who.participant_id, match_id, new_id(), str(who.key_id), documents)
    doorbell.ring(who.participant_id, who.lane)
    return await read_match(connection, who.participant_id, match_id)


async def require_suggested(connection: Connection, participant_id: UUID, match_id: UUID) -> None:
    """Locks the participant. Raises MatchUnknown, MatchAnswered."""
    await connection.execute(SQL["lock"], participant_id)
    match = await read_match(connection, participant_id, match_id)
    if match.state != "suggested":
        raise MatchAnswered(state=match.state)
