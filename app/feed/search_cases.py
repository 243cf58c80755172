"""POST /feed/v1/cases/search: the cases that the agency's staff have to answer: late ones first, then those due first."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import structlog
from litestar import Request, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from app.cases.decide import SQL
from app.cases.overdue import count_open
from app.feed.event import Paper
from app.feed.signature import SignatureInvalid, require_signature
from app.platform.database import transaction
from app.platform.sealing import SealBroken, Sealer, read_sealer
from app.settings import Settings

log = structlog.get_logger()


class CaseSearch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`state` open or decided; left out: any."""

    state: Literal["open", "decided"] | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100


class CaseSearchBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A top-level key of its own: no body of another route fits this one."""

    case_search: CaseSearch


class ClaimedMatch(msgspec.Struct, frozen=True):
    """What staff need to decide a claimed match: the card, under whom it stands, what made it be suggested, the papers."""

    kpj: str
    registered_nik: str
    rule: str
    rules_version: str
    document_ids: list[UUID]


class HeirClaim(msgspec.Struct, frozen=True):
    """Who says to be an heir of the deceased whose `nik` it is, the branch that saw them, and the papers once decided by.

    `phone` is null when what is kept was sealed by nobody here.
    """

    name: str
    phone: str | None
    relation: str
    branch: str
    papers: list[Paper]


class WantedCorrection(msgspec.Struct, frozen=True):
    """What the participant says is wrong, and what it should be."""

    field: str
    wanted: str | None


class FoundCase(msgspec.Struct, frozen=True):
    """`nik` is whose case it is. What it is about: `merge_id` and `statement`, `match`, `kpj` and `figures`, `heir`, or
    `correction`.

    `overdue_s` is by how many seconds it is late, or was decided late; null when in time.
    """

    id: UUID
    kind: str
    nik: str
    merge_id: UUID | None
    state: str
    statement: str | None
    kpj: str | None
    figures: Any
    opened_at: datetime
    due_at: datetime
    overdue_s: int | None
    decision: str | None
    decided_at: datetime | None
    match: ClaimedMatch | None
    heir: HeirClaim | None
    correction: WantedCorrection | None


class FoundCases(msgspec.Struct, frozen=True):
    """`overdue` counts all open cases past their time, whatever was searched for."""

    cases: list[FoundCase]
    overdue: int


@post(
    "/feed/v1/cases/search",
    status_code=200,
    guards=[require_signature],
    opt={"problems": (SignatureInvalid,), "public": True, "transaction": False},
    tags=["feed"],
)
async def search_cases(
    request: Request[Any, Any, Any],
    data: JSONBody[CaseSearchBody],
    settings: NamedDependency[Settings],
) -> FoundCases:
    """Cases of all participants, late ones first, then by when they are due. Their decision comes as the event `case.decided`."""
    search = data.case_search
    async with transaction(request.app.state.pool, wait_s=settings.pool_wait_s) as connection:
        rows = await connection.fetch(SQL["search"], search.state, search.limit)
        waiting = await count_open(connection)
    sealer = read_sealer(settings.data_keys)
    return FoundCases([_open(dict(row), sealer) for row in rows], waiting.overdue)


def _open(row: dict[str, Any], sealer: Sealer) -> FoundCase:
    """A row with its identity numbers as they are read by staff."""
    row["nik"] = sealer.open(row["nik_sealed"], column="nik", row=row["participant_id"])
    if row["match"] is not None:
        holder = row["other_participant_id"]
        row["match"]["registered_nik"] = sealer.open(row["registered_nik_sealed"], column="nik", row=holder)
    if row["heir"] is not None:
        row["heir"]["phone"] = _open_typed(sealer, row["heir_phone_sealed"], "heir_phone", row["id"])
    if sealed := row["wanted_sealed"]:
        wanted = _open_typed(sealer, sealed, "correction", row["id"])
        row["correction"] = {"field": row["corrected_field"], "wanted": wanted}
    return msgspec.convert({"correction": None, **row}, FoundCase)


def _open_typed(sealer: Sealer, sealed: bytes, column: str, case_id: UUID) -> str | None:
    """What somebody typed in a request. A row that was put in by hand must not hide the cases of everybody else."""
    try:
        return sealer.open(sealed, column=column, row=case_id)
    except SealBroken:
        log.error("seal_broken", column=column, case_id=str(case_id))  # noqa: TRY400 - its text is this line's
        return None
