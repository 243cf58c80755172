"""What `announcement.published` carries: the text in both languages, whom it is for, and what it explains. Pure."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Literal
from uuid import UUID

import msgspec
import rfc8785

from app.feed.event import Data, Identifier, Nik, Segment, Staff
from app.feed.rejection import Rejected
from app.notifications.wording.outside import LINK, NUMBER

LONGEST_EXPLAINED = timedelta(days=366)
Title = Annotated[str, msgspec.Meta(min_length=5, max_length=120)]
Body = Annotated[str, msgspec.Meta(min_length=20, max_length=2000)]
Kind = Annotated[str, msgspec.Meta(max_length=64, pattern=r"^[a-z_]+$")]


class Titles(Data, frozen=True):
    """In Indonesian and in English."""

    id: Title
    en: Title


class Bodies(Data, frozen=True):
    """In Indonesian and in English."""

    id: Body
    en: Body


class Audience(Data, frozen=True):
    """Exactly one of them. `segment` and `employer_id` are of the cards that somebody holds."""

    all: Literal[True] | None = None
    employer_id: Identifier | None = None
    segment: Segment | None = None
    niks: Annotated[list[Nik], msgspec.Meta(min_length=1, max_length=10_000)] | None = None


class Explains(Data, frozen=True, rename={"from_": "from"}):
    """Entries of `kinds` on the days `from` to `until`, of the events `event_ids`, of the merges `merge_ids`."""

    kinds: Annotated[list[Kind], msgspec.Meta(max_length=20)] = msgspec.field(default_factory=list)
    from_: date | None = None
    until: date | None = None
    event_ids: Annotated[list[Identifier], msgspec.Meta(max_length=1000)] = msgspec.field(default_factory=list)
    merge_ids: Annotated[list[UUID], msgspec.Meta(max_length=1000)] = msgspec.field(default_factory=list)


class AnnouncementPublished(Data, frozen=True, kw_only=True):
    """`replaces` is the event id of an announcement that this one corrects or withdraws; `staff` are OIDC subjects."""

    audience: Audience
    title: Titles
    body: Bodies
    severity: Literal["info", "warning", "critical"]
    explains: Explains = Explains()
    replaces: Identifier | None = None
    staff: Staff | None = None
    second_staff: Staff | None = None

    @property
    def canonical(self) -> bytes:
        """The RFC 8785 form of `{title, body}`: what is shown, and what its digest is of."""
        return rfc8785.dumps({"title": msgspec.to_builtins(self.title), "body": msgspec.to_builtins(self.body)})

    @property
    def niks(self) -> list[str] | None:
        """Each once."""
        return None if self.audience.niks is None else list(dict.fromkeys(self.audience.niks))

    @property
    def told_audience(self) -> dict[str, object]:
        """The audience without anybody's number."""
        chosen = msgspec.structs.asdict(self.audience)
        return {name: value for name, value in chosen.items() if value is not None and name != "niks"}


def check(data: AnnouncementPublished) -> None:
    """Raises Rejected: `data_invalid`, or `announcement_tappable` for what a phone would make a link or a call of."""
    chosen = msgspec.structs.asdict(data.audience)
    if sum(value is not None for value in chosen.values()) != 1:
        raise Rejected("data_invalid", reason=f"audience is exactly one of {', '.join(chosen)}")
    _check_days(data.explains)
    texts = {"title": data.title, "body": data.body}
    for name, text in ((f"{part}.{locale}", getattr(texts[part], locale)) for part in texts for locale in ("id", "en")):
        if text != text.strip():
            raise Rejected("data_invalid", reason=f"{name} begins or ends with a space")
        found = LINK.search(text) or "@" in text or "://" in text or NUMBER.search(text)
        if found:
            raise Rejected("announcement_tappable", field=name)


def _check_days(explains: Explains) -> None:
    """Kinds are explained for some days: without an end, whatever came later would be explained too."""
    first, last = explains.from_, explains.until
    if not explains.kinds and first is last is None:
        return
    if not explains.kinds or first is None or last is None or not timedelta(0) <= last - first <= LONGEST_EXPLAINED:
        raise Rejected("data_invalid", reason="explains: kinds come with from and until, at most 366 days")
