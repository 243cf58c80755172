"""POST /feed/v1/announcements/search: what was published, whom it is for, and how many it has reached."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from app.announcements.search import Progress, State, find_announcements
from app.feed.event import Identifier
from app.feed.signature import SignatureInvalid, require_signature
from app.platform.database import transaction
from app.settings import Settings


class Before(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The place of the last announcement of a page."""

    published_at: Annotated[datetime, msgspec.Meta(tz=True)]
    id: UUID


class AnnouncementSearch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`event_id`: the one that this event published. `before`: the `next` of the page before."""

    event_id: Identifier | None = None
    state: State | None = None
    before: Before | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100


class AnnouncementSearchBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A top-level key of its own: no body of another route fits this one."""

    announcement_search: AnnouncementSearch


class FoundAnnouncements(msgspec.Struct, frozen=True):
    """The newest first. `next` is null on the last page."""

    announcements: list[Progress]
    next: Before | None


@post(
    "/feed/v1/announcements/search",
    status_code=200,
    guards=[require_signature],
    opt={"problems": (SignatureInvalid,), "public": True, "transaction": False},
    tags=["feed"],
)
async def search_announcements(
    request: Request[Any, Any, Any], data: JSONBody[AnnouncementSearchBody], settings: NamedDependency[Settings]
) -> FoundAnnouncements:
    """Announcements and how far each has come. They are published by the event `announcement.published`."""
    search = data.announcement_search
    before = (search.before.published_at, search.before.id) if search.before else None
    async with transaction(request.app.state.pool, wait_s=settings.pool_wait_s) as connection:
        found = await find_announcements(
            connection, event_id=search.event_id, state=search.state, before=before, limit=search.limit + 1
        )
    page = found[: search.limit]
    more = len(found) > search.limit
    return FoundAnnouncements(page, Before(page[-1].published_at, page[-1].id) if more else None)
