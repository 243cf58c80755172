"""The runs of money by API, for a core that would rather not have a terminal: each route with a top-level key of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Annotated, Any

import msgspec
from litestar import Request, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from app.bulk.problems import BulkRunUnfit, BulkRunUnknown
from app.bulk.report import Sums, as_row, page_of_refusals, report
from app.bulk.run import Run, RunUnfitError, RunUnknownError, pause, resume, show_run, show_runs
from app.feed.event import Identifier
from app.feed.signature import SignatureInvalid, require_signature
from app.platform.database import Connection
from app.settings import Settings


def _options(*problems: Any) -> dict[str, Any]:
    return {"problems": (SignatureInvalid, *problems), "public": True, "transaction": False}


class OneRun(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Identifier


class SomeRuns(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Identifier | None = None


class ResumedRun(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At most `rows_per_s` rows a second; left out: as fast as it goes."""

    name: Identifier
    rows_per_s: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] | None = None


class PageOfRefusals(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`after`: the `next` of the page before."""

    name: Identifier
    after: Annotated[int, msgspec.Meta(ge=0)] = 0
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100


class BulkSearchBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    bulk_search: SomeRuns


class BulkResumeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    bulk_resume: ResumedRun


class BulkPauseBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    bulk_pause: OneRun


class BulkReportBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    bulk_report: OneRun


class BulkRefusalsBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    bulk_refusals: PageOfRefusals


class Runs(msgspec.Struct, frozen=True):
    """Newest first, at most 100."""

    runs: list[Run]


class ReportedSums(msgspec.Struct, frozen=True):
    """Rows, and whole rupiah as text. `day` is the one that the money counts from; null: no day can be read, or all days."""

    day: date | None
    staged: int
    staged_amount: str
    posted: int
    posted_amount: str
    refused: int
    refused_amount: str
    waiting: int
    waiting_amount: str


class BulkReport(msgspec.Struct, frozen=True):
    """`reconciles`: staged = posted + refused + waiting in rows and rupiah on every day, and the ledger has what is posted."""

    name: str
    kind: str
    state: str
    reconciles: bool
    total: ReportedSums
    days: list[ReportedSums]
    refused_for: dict[str, int]


class BulkRefusals(msgspec.Struct, frozen=True):
    """Each is the row as it came, with line, code and reason; what is no row stands in `content`. `next`: null at the end."""

    refusals: list[dict[str, Any]]
    next: int | None


@post("/feed/v1/bulk/search", status_code=200, guards=[require_signature], opt=_options(), tags=["feed"])
async def search_bulk(
    request: Request[Any, Any, Any], data: JSONBody[BulkSearchBody], settings: NamedDependency[Settings]
) -> Runs:
    """How far runs are, how fast, and how long they will take."""
    async with _connect(request, settings) as connection:
        return Runs(await show_runs(connection, data.bulk_search.name))


@post(
    "/feed/v1/bulk/resume",
    status_code=200,
    guards=[require_signature],
    opt=_options(BulkRunUnknown, BulkRunUnfit),
    tags=["feed"],
)
async def resume_bulk(
    request: Request[Any, Any, Any], data: JSONBody[BulkResumeBody], settings: NamedDependency[Settings]
) -> Run:
    """Lets the workers post a run, or go on with it, or changes its pace: they look once a second."""
    async with _connect(request, settings) as connection:
        return await resume(connection, data.bulk_resume.name, data.bulk_resume.rows_per_s)


@post(
    "/feed/v1/bulk/pause",
    status_code=200,
    guards=[require_signature],
    opt=_options(BulkRunUnknown, BulkRunUnfit),
    tags=["feed"],
)
async def pause_bulk(
    request: Request[Any, Any, Any], data: JSONBody[BulkPauseBody], settings: NamedDependency[Settings]
) -> Run:
    """Once this is answered, nothing more of the run is posted until it is resumed."""
    async with _connect(request, settings) as connection:
        return await pause(connection, data.bulk_pause.name)


@post("/feed/v1/bulk/report", status_code=200, guards=[require_signature], opt=_options(BulkRunUnknown), tags=["feed"])
async def report_bulk(
    request: Request[Any, Any, Any], data: JSONBody[BulkReportBody], settings: NamedDependency[Settings]
) -> BulkReport:
    """Counted anew, in the ledger: some seconds for each million rows."""
    async with _connect(request, settings) as connection:
        found = await report(connection, data.bulk_report.name)
    days = sorted(found.days.items(), key=lambda item: str(item[0] or ""))
    return BulkReport(
        found.name,
        found.kind,
        found.state,
        found.reconciles,
        _reported(None, found.total),
        [_reported(day, sums) for day, sums in days],
        found.refused_for,
    )


@post(
    "/feed/v1/bulk/refusals", status_code=200, guards=[require_signature], opt=_options(BulkRunUnknown), tags=["feed"]
)
async def list_bulk_refusals(
    request: Request[Any, Any, Any], data: JSONBody[BulkRefusalsBody], settings: NamedDependency[Settings]
) -> BulkRefusals:
    """The rows that were refused, in the order of their lines."""
    asked = data.bulk_refusals
    async with _connect(request, settings) as connection:
        run = await show_run(connection, asked.name)
        found = await page_of_refusals(connection, run.run_id, asked.after, asked.limit + 1)
    page = found[: asked.limit]
    return BulkRefusals([as_row(refusal) for refusal in page], page[-1].line if len(found) > asked.limit else None)


@asynccontextmanager
async def _connect(request: Request[Any, Any, Any], settings: Settings) -> AsyncIterator[Connection]:
    """A connection of the pool; what no run allows becomes a problem."""
    async with request.app.state.pool.acquire(timeout=settings.pool_wait_s) as connection:
        try:
            yield connection
        except RunUnknownError:
            raise BulkRunUnknown from None
        except RunUnfitError as error:
            raise BulkRunUnfit(state=error.state) from None


def _reported(day: date | None, sums: Sums) -> ReportedSums:
    fields = {name: getattr(sums, name) for name in Sums.__struct_fields__}
    told = {name: str(of) if name.endswith("_amount") else of for name, of in fields.items()}
    return msgspec.convert({"day": day, **told}, ReportedSums)
