"""POST /feed/v1/merges/search: what participants agreed to, and what became of it, for a core that would rather ask."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from app.feed.signature import SignatureInvalid, require_signature
from app.platform.database import transaction
from app.platform.sealing import read_sealer
from app.platform.sql import statement
from app.settings import Settings

SEARCH = statement("feed/search_merges")


class MergeSearch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`core`: what the core answered so far; left out: any. `after`: the `next` of the page before."""

    state: Literal[
        "proposed",
        "confirmed",
        "executed",
        "undone",
        "declined",
        "cancelled",
        "expired",
        "reported",
        "disputed",
        "accepted",
        "restored",
    ] = "executed"
    core: Literal["pending", "acknowledged", "refused"] | None = None
    after: UUID = UUID(int=0)
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100


class MergeSearchBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A top-level key of its own: no body of another route fits this one."""

    merge_search: MergeSearch


class FoundMerge(msgspec.Struct, frozen=True):
    """`plan_digest` is the digest of the plan that was shown last; from `confirmed` on, of the one that was agreed to;
    `balances` are what that plan says of each card before the merge, whole rupiah.
    """

    id: UUID
    nik: str
    state: str
    core: str | None
    proposed_by: str
    reason: str | None
    absorb: list[str]
    into: str
    plan_digest: str | None
    proposed_at: datetime
    confirmed_at: datetime | None
    executes_at: datetime | None
    executed_at: datetime | None
    undo_until: datetime | None
    closed_at: datetime | None
    waits_for_core_since: datetime | None
    balances: dict[str, int] | None


class FoundMerges(msgspec.Struct, frozen=True):
    """In the order of their ids. `next` is null on the last page."""

    merges: list[FoundMerge]
    next: UUID | None


@post(
    "/feed/v1/merges/search",
    status_code=200,
    guards=[require_signature],
    opt={"problems": (SignatureInvalid,), "public": True, "transaction": False},
    tags=["feed"],
)
async def search_merges(
    request: Request[Any, Any, Any],
    data: JSONBody[MergeSearchBody],
    settings: NamedDependency[Settings],
) -> FoundMerges:
    """Merges of all participants in one state. The answer to one comes as the event `merge.acknowledged` or `merge.refused`.

    A merge enters a state after others with greater ids: begin each look at the first page. What waits for an answer is
    found, and nothing else, with `core: pending`.
    """
    search = data.merge_search
    async with transaction(request.app.state.pool, wait_s=settings.pool_wait_s) as connection:
        rows = await connection.fetch(SEARCH, search.state, search.core, search.after, search.limit + 1)
    sealer = read_sealer(settings.data_keys)
    merges = [
        msgspec.convert(
            dict(row) | {"nik": sealer.open(row["nik_sealed"], column="nik", row=row["participant_id"])}, FoundMerge
        )
        for row in rows[: search.limit]
    ]
    return FoundMerges(merges, merges[-1].id if len(rows) > search.limit else None)
