"""My merges, whoever proposed them."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from app.identity.session import SignedIn
from app.merges.load import Merge, read_merge, read_merges
from app.merges.present import MergeShown, show_merge
from app.merges.problems import MergeUnknown
from app.platform.database import Connection
from app.platform.problems import RequestInvalid


class Merges(msgspec.Struct, frozen=True):
    merges: list[MergeShown]
    next_cursor: str | None


@get("/v1/merges/{merge_id:uuid}", opt={"problems": (MergeUnknown,)}, tags=["merges"])
async def show(
    merge_id: FromPath[UUID],
    connection: NamedDependency[Connection],
    now: NamedDependency[datetime],
    who: NamedDependency[SignedIn],
) -> MergeShown:
    """One merge with its plan and what each consequence means."""
    return show_merge(await read_merge(connection, who.participant_id, merge_id), who.locale, now)


@get("/v1/merges", tags=["merges"])
async def page(
    connection: NamedDependency[Connection],
    now: NamedDependency[datetime],
    who: NamedDependency[SignedIn],
    cursor: Annotated[str | None, QueryParameter(max_length=100)] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=100)] = 50,
) -> Merges:
    """All my merges, newest first."""
    before = _read_cursor(cursor) if cursor else None
    found = await read_merges(connection, who.participant_id, before=before, limit=limit + 1)
    return Merges(
        merges=[show_merge(merge, who.locale, now) for merge in found[:limit]],
        next_cursor=_write_cursor(found[limit - 1]) if len(found) > limit else None,
    )


def _write_cursor(merge: Merge) -> str:
    return urlsafe_b64encode(f"{merge.proposed_at.isoformat()} {merge.merge_id}".encode()).decode()


def _read_cursor(cursor: str) -> tuple[datetime, UUID]:
    try:
        instant, merge_id = urlsafe_b64decode(cursor).decode().split(" ")
        return datetime.fromisoformat(instant).astimezone(UTC), UUID(merge_id)
    except (ValueError, OverflowError):
        raise RequestInvalid(errors=[{"field": "cursor", "reason": "not a cursor that was handed out"}]) from None
