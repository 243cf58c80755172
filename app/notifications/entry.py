"""A history entry as a person reads it: in the inbox, on the stream, and in the history of a card."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from app.notifications.row import Row
from app.notifications.wording import Cause, render


class Entry(msgspec.Struct, frozen=True):
    """`hash` (hex) chains it to all entries before; `read` is for display only, `acknowledged` stops its ladder.

    `announcement_id`: the announcement that it is; `explained_by`: the announcements that explain it.
    """

    seq: int
    kind: str
    reach: str
    severity: str
    title: str
    body: str
    kpj: str | None
    merge_id: UUID | None
    cause_id: UUID
    occurred_at: datetime
    read: bool
    acknowledged: bool
    hash: str
    announcement_id: UUID | None
    explained_by: list[UUID]


def present(row: Row, locale: str) -> Entry:
    """The entry in `locale` (id, en), of a row with the columns `seq kind reach severity wording data merge_id cause_id
    occurred_at hash origin actor reason read acknowledged explained_by`.

    `data` is JSON text, NULL once erased; `origin`, `actor` and `reason` are those of its cause.
    """
    data = msgspec.json.decode(row["data"] or "{}")
    cause = Cause(row["origin"], row["actor"], row["reason"])
    text = render(row["wording"], row["kind"], data, cause, locale)
    return Entry(
        seq=row["seq"],
        kind=row["kind"],
        reach=row["reach"],
        severity=row["severity"],
        title=text.title,
        body=text.body,
        kpj=data.get("kpj"),
        merge_id=row["merge_id"],
        cause_id=row["cause_id"],
        occurred_at=row["occurred_at"],
        read=row["read"],
        acknowledged=row["acknowledged"],
        hash=row["hash"].hex(),
        announcement_id=data.get("announcement_id"),
        explained_by=row["explained_by"],
    )
