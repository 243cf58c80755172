"""GET /v1/cases: what I disputed, want corrected, or the core and we differ about; its clock, and what was decided."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from app.identity.session import SignedIn
from app.platform.database import Connection
from app.platform.problems import RequestInvalid
from app.platform.sealing import Sealer, read_sealer
from app.platform.sql import statement
from app.settings import Settings

PAGE = statement("cases/show")


class Correction(msgspec.Struct, frozen=True):
    """What is wrong, and what it should be."""

    field: str
    wanted: str


class Case(msgspec.Struct, frozen=True):
    """The agency answers by `due_at`, 3×24 hours after `opened_at`; `overdue` when it has not.

    `decision`: restored or accepted by the agency (accepted: it stands by the merge, which stays without consent), or
    withdrawn, when the participant accepted the merge instead; linked or refused for a card that may be mine (`match_id`);
    acknowledged, reversed or settled for a merge that the core refused; ours or theirs_corrected for a balance (`kpj`), or
    agreed, when the core's next report said the same; heir_recognised or heir_refused for an heir of a participant who
    died; corrected or refused for a `correction`; reached or not_reached when
    staff looked for me because nothing came to me (`unreached`), or read, when I acknowledged it all. `reason` is the agency's.

    `figures` of a balance: `{theirs, ours, difference, as_of, status, suspected_merge: {absorbed, into}|null}`, whole rupiah; of
    being unreached: `{since, entries, kinds}`; of
    a refusal: `{obstacle, merge_id?, claim_id?, figures?}`, what keeps the merge from being taken back.
    """

    id: UUID
    kind: str
    merge_id: UUID | None
    match_id: UUID | None
    kpj: str | None
    figures: Any
    correction: Correction | None
    state: str
    statement: str | None
    opened_at: datetime
    due_at: datetime
    overdue: bool
    decision: str | None
    reason: str | None
    decided_at: datetime | None


class Cases(msgspec.Struct, frozen=True):
    cases: list[Case]
    next_cursor: str | None


@get("/v1/cases", tags=["cases"])
async def list_cases(
    connection: NamedDependency[Connection],
    who: NamedDependency[SignedIn],
    settings: NamedDependency[Settings],
    cursor: Annotated[str | None, QueryParameter(max_length=100)] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=100)] = 50,
) -> Cases:
    """All my cases, newest first."""
    sealer = read_sealer(settings.data_keys)
    return await read_page(connection, who.participant_id, sealer, kind=None, cursor=cursor, limit=limit)


async def read_page(
    connection: Connection, participant_id: UUID, sealer: Sealer, *, kind: str | None, cursor: str | None, limit: int
) -> Cases:
    """A page of somebody's cases, of one kind or of any. Raises RequestInvalid for a cursor that was not handed out."""
    instant, last = _read_cursor(cursor) if cursor else (None, None)
    rows = await connection.fetch(PAGE, participant_id, instant, last, limit + 1, kind, None)
    cases = [_from_row(row, sealer) for row in rows[:limit]]
    return Cases(cases=cases, next_cursor=_write_cursor(cases[-1]) if len(rows) > limit else None)


async def show_case(connection: Connection, participant_id: UUID, case_id: UUID, sealer: Sealer) -> Case:
    """One case that is this participant's."""
    [row] = await connection.fetch(PAGE, participant_id, None, None, 1, None, case_id)
    return _from_row(row, sealer)


def _from_row(row: asyncpg.Record, sealer: Sealer) -> Case:
    found = dict(row)
    field, sealed = found.pop("corrected_field"), found.pop("wanted_sealed")
    wanted = sealed and sealer.open(sealed, column="correction", row=found["id"])
    found["correction"] = None if sealed is None else {"field": field, "wanted": wanted}
    return msgspec.convert(found, Case)


def _write_cursor(case: Case) -> str:
    return urlsafe_b64encode(f"{case.opened_at.isoformat()} {case.id}".encode()).decode()


def _read_cursor(cursor: str) -> tuple[datetime, UUID]:
    try:
        instant, case_id = urlsafe_b64decode(cursor).decode().split(" ")
        return datetime.fromisoformat(instant), UUID(case_id)
    except ValueError:
        raise RequestInvalid(errors=[{"field": "cursor", "reason": "not a cursor that was handed out"}]) from None
