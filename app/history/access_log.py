"""GET /v1/me/access-log: who of the agency's staff looked at what of mine, when, and what for."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from app.identity.session import SignedIn
from app.platform.database import Connection
from app.platform.problems import RequestInvalid
from app.platform.sql import statement

PAGE = statement("history/access_log")


class Look(msgspec.Struct, frozen=True):
    """`who` is a pseudonym, always the same for one person, or a name where the agency shows names; `role` is theirs.

    `what`: `case` (the case and the cards in it), `card` (a card that somebody else says is theirs), `document`, `person` (all
    my cards, by a support code), `decision` (a case, to decide it), `freeze` (my identity number, to freeze my cards or lift
    that). `case_id` is null for a look by a support code and for a freeze.
    """

    id: UUID
    at: datetime
    who: str
    role: str
    purpose: str
    what: str
    case_id: UUID | None
    document_id: UUID | None


class AccessLog(msgspec.Struct, frozen=True):
    looks: list[Look]
    next_cursor: str | None


@get("/v1/me/access-log", tags=["identity"])
async def show_access_log(
    connection: NamedDependency[Connection],
    who: NamedDependency[SignedIn],
    cursor: Annotated[str | None, QueryParameter(max_length=100)] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=100)] = 50,
) -> AccessLog:
    """Every look at me, newest first. A look that showed nothing is none."""
    last = _read_cursor(cursor) if cursor else None
    rows = await connection.fetch(PAGE, who.participant_id, last, limit + 1)
    looks = [msgspec.convert(dict(row), Look) for row in rows[:limit]]
    return AccessLog(looks, _write_cursor(looks[-1].id) if len(rows) > limit else None)


def _write_cursor(last: UUID) -> str:
    return urlsafe_b64encode(last.bytes).decode()


def _read_cursor(cursor: str) -> UUID:
    try:
        return UUID(bytes=urlsafe_b64decode(cursor))
    except ValueError:
        raise RequestInvalid(errors=[{"field": "cursor", "reason": "not a cursor that was handed out"}]) from None
