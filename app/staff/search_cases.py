"""POST /staff/v1/cases/search: the work that waits, by when it is due. It names nobody, so it is no look at anybody."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from app.platform.database import Connection
from app.platform.problems import RequestInvalid
from app.platform.sql import statement
from app.staff.member import Member

SEARCH = statement("staff/search_cases")


class CaseSearch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Left out, `state` and `kind` mean any; `cursor` is the `next_cursor` of the page before."""

    state: Literal["open", "decided"] | None = None
    kind: Annotated[str, msgspec.Meta(pattern="^[a-z_]{1,40}$")] | None = None
    cursor: Annotated[str, msgspec.Meta(max_length=120)] | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 50


class CaseSearchBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A top-level key of its own: no body of another route fits this one."""

    case_search: CaseSearch


class WaitingProposal(msgspec.Struct, frozen=True):
    """A colleague's decision that waits for a second person; `mine` is one that you made yourself."""

    decision: str
    proposed_at: datetime
    mine: bool


class FoundCase(msgspec.Struct, frozen=True):
    id: UUID
    kind: str
    state: str
    opened_at: datetime
    due_at: datetime
    decision: str | None
    decided_at: datetime | None
    proposal: WaitingProposal | None


class FoundCases(msgspec.Struct, frozen=True):
    cases: list[FoundCase]
    next_cursor: str | None


class _KnownProposal(msgspec.Struct, frozen=True):
    decision: str
    proposed_at: datetime
    issuer: str
    staff: str


@post("/staff/v1/cases/search", status_code=200, opt={"repeatable": True}, tags=["staff"])
async def search_cases(
    data: JSONBody[CaseSearchBody], connection: NamedDependency[Connection], member: NamedDependency[Member]
) -> FoundCases:
    """Cases by when they are due, without a word of whom they are about: `cases/read` tells that, and is logged."""
    search = data.case_search
    due_at, last = _read_cursor(search.cursor) if search.cursor else (None, None)
    rows = await connection.fetch(SEARCH, search.state, search.kind, due_at, last, search.limit + 1)
    cases = []
    for row in rows[: search.limit]:
        known = row["proposal"] and msgspec.convert(row["proposal"], _KnownProposal)
        mine = known and WaitingProposal(known.decision, known.proposed_at, member.is_behind(known.issuer, known.staff))
        cases.append(msgspec.convert(dict(row) | {"proposal": mine}, FoundCase))
    return FoundCases(cases, _write_cursor(cases[-1]) if len(rows) > search.limit else None)


def _write_cursor(case: FoundCase) -> str:
    return urlsafe_b64encode(f"{case.due_at.isoformat()} {case.id}".encode()).decode()


def _read_cursor(cursor: str) -> tuple[datetime, UUID]:
    try:
        due_at, case_id = urlsafe_b64decode(cursor).decode().split(" ")
        return datetime.fromisoformat(due_at).astimezone(UTC), UUID(case_id)
    except (ValueError, OverflowError):
        raise RequestInvalid(errors=[{"field": "cursor", "reason": "not a cursor that was handed out"}]) from None
