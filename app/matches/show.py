"""GET /v1/possible-matches: cards that may be mine. Employer and years, and nothing else of them."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from app.cards.card import Employer
from app.cards.card import Row as DatabaseRow
from app.identity.session import SignedIn
from app.matches.problems import MatchUnknown
from app.platform.database import Connection
from app.platform.problems import RequestInvalid
from app.platform.sql import statement

SHOW = statement("matches/show")


class OpenCase(msgspec.Struct, frozen=True):
    """Who decides it has until `due_at`."""

    case_id: UUID
    due_at: datetime


class PossibleMatch(msgspec.Struct, frozen=True):
    """`to_year` is null for a job that goes on; `state`: suggested, not_mine, claimed, linked, refused."""

    id: UUID
    employer: Employer | None
    from_year: int
    to_year: int | None
    state: str
    case: OpenCase | None


class PossibleMatches(msgspec.Struct, frozen=True):
    matches: list[PossibleMatch]
    next_cursor: str | None


@get("/v1/possible-matches", tags=["cards"])
async def page(
    connection: NamedDependency[Connection],
    who: NamedDependency[SignedIn],
    cursor: Annotated[str | None, QueryParameter(max_length=100)] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=100)] = 50,
) -> PossibleMatches:
    """All that was ever suggested to me, newest first."""
    instant, last = _read_cursor(cursor) if cursor else (None, None)
    rows = await connection.fetch(SHOW, who.participant_id, None, instant, last, limit + 1)
    return PossibleMatches(
        matches=[_from_row(row) for row in rows[:limit]],
        next_cursor=_write_cursor(rows[limit - 1]) if len(rows) > limit else None,
    )


async def read_match(connection: Connection, participant_id: UUID, match_id: UUID) -> PossibleMatch:
    """One possible match of this participant. Raises MatchUnknown, for a stranger's too."""
    row = await connection.fetchrow(SHOW, participant_id, match_id, None, None, 1)
    if row is None:
        raise MatchUnknown
    return _from_row(row)


def _from_row(row: DatabaseRow) -> PossibleMatch:
    return PossibleMatch(
        id=row["id"],
        employer=Employer(row["employer_id"], row["employer_name"] or "") if row["employer_id"] else None,
        from_year=row["from_year"],
        to_year=row["to_year"],
        state=row["state"],
        case=OpenCase(row["case_id"], row["due_at"]) if row["case_id"] else None,
    )


def _write_cursor(row: DatabaseRow) -> str:
    return urlsafe_b64encode(f"{row['found_at'].isoformat()} {row['id']}".encode()).decode()


def _read_cursor(cursor: str) -> tuple[datetime, UUID]:
    try:
        instant, match_id = urlsafe_b64decode(cursor).decode().split(" ")
        return datetime.fromisoformat(instant), UUID(match_id)
    except ValueError:
        raise RequestInvalid(errors=[{"field": "cursor", "reason": "not a cursor that was handed out"}]) from None
