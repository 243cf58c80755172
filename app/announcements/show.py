"""The announcements that reached me: what was said, in the very words, and what they explain."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from app.announcements.problems import AnnouncementUnknown
from app.identity.session import SignedIn
from app.platform.database import Connection
from app.platform.sql import statement

SHOWN = statement("announcements/show")


class InBoth(msgspec.Struct, frozen=True):
    """A text in Indonesian and in English."""

    id: str
    en: str


class Published(msgspec.Struct, frozen=True):
    """As the agency published it. The SHA-256 of its RFC 8785 form is `text_sha256`, which stands in the history entry."""

    title: InBoth
    body: InBoth


class Explained(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """Entries of these kinds on these days of Jakarta, both included. Entries themselves say `explained_by`."""

    kinds: list[str]
    from_: date
    until: date


class Announcement(msgspec.Struct, frozen=True):
    """`title` and `body` in the language asked for; `seq` is that of its entry in the inbox.

    `replaces` and `replaced_by` name others that reached me as well; who is replaced holds no more.
    """

    id: UUID
    severity: str
    title: str
    body: str
    published: Published
    text_sha256: str
    seq: int
    published_at: datetime
    explains: Explained | None
    replaces: UUID | None
    replaced_by: UUID | None


class Announcements(msgspec.Struct, frozen=True):
    announcements: list[Announcement]
    next_cursor: str | None


@get("/v1/announcements", tags=["notifications"])
async def page(
    connection: NamedDependency[Connection],
    who: NamedDependency[SignedIn],
    cursor: Annotated[int | None, QueryParameter(ge=1, le=2**63 - 1)] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=100)] = 50,
) -> Announcements:
    """The official announcements that reached me, newest first."""
    rows = await connection.fetch(SHOWN, who.participant_id, None, cursor, limit + 1)
    found = [_present(row, who.locale) for row in rows[:limit]]
    return Announcements(found, str(found[-1].seq) if len(rows) > limit else None)


@get("/v1/announcements/{announcement_id:uuid}", opt={"problems": (AnnouncementUnknown,)}, tags=["notifications"])
async def show(
    announcement_id: FromPath[UUID], connection: NamedDependency[Connection], who: NamedDependency[SignedIn]
) -> Announcement:
    """One of them: any entry that it explains names it."""
    row = await connection.fetchrow(SHOWN, who.participant_id, announcement_id, None, 1)
    if row is None:
        raise AnnouncementUnknown
    return _present(row, who.locale)


def _present(row: Any, locale: str) -> Announcement:
    published = msgspec.json.decode(row["canonical"], type=Published)
    kinds = row["explains_kinds"]
    return Announcement(
        id=row["id"],
        severity=row["severity"],
        title=getattr(published.title, locale),
        body=getattr(published.body, locale),
        published=published,
        text_sha256=row["text_sha256"],
        seq=row["seq"],
        published_at=row["published_at"],
        explains=Explained(kinds, row["explains_from"], row["explains_until"]) if kinds else None,
        replaces=row["replaces"],
        replaced_by=row["replaced_by"],
    )
