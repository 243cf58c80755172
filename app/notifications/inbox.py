"""GET /v1/inbox: everything that happened, readable, and how much of it is unread."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from app.identity.session import SignedIn
from app.notifications.entry import Entry, present
from app.platform.database import Connection
from app.platform.problems import RequestInvalid
from app.platform.sql import load

INBOX = load("notifications/inbox")
LAST_SEQ = 2**63 - 1


class Head(msgspec.Struct, frozen=True):
    """The newest history entry: `hash` (hex) covers all before it."""

    seq: int
    hash: str


class Inbox(msgspec.Struct, frozen=True):
    """`next_cursor` is the next `after` when `after` was asked for, else the next `before`; null at the end."""

    entries: list[Entry]
    unread: int
    head: Head
    next_cursor: str | None


@get("/v1/inbox", tags=["notifications"])
async def inbox(
    connection: NamedDependency[Connection],
    who: NamedDependency[SignedIn],
    after: Annotated[int | None, QueryParameter(ge=0, le=LAST_SEQ)] = None,
    before: Annotated[int | None, QueryParameter(ge=0, le=LAST_SEQ)] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=100)] = 50,
) -> Inbox:
    """My entries: after a seq in order, before a seq or without either the newest first."""
    if after is not None and before is not None:
        raise RequestInvalid(errors=[{"field": "before", "reason": "`after` and `before` exclude each other"}])
    if after is not None:
        rows = await connection.fetch(INBOX["after"], who.participant_id, after, limit + 1)
    else:
        rows = await connection.fetch(INBOX["before"], who.participant_id, before, limit + 1)
    entries = [present(row, who.locale) for row in rows[:limit] if row["seq"] is not None]
    return Inbox(
        entries=entries,
        unread=rows[0]["unread"],
        head=Head(seq=rows[0]["head_seq"], hash=rows[0]["head_hash"].hex()),
        next_cursor=str(entries[-1].seq) if len(rows) > limit else None,
    )
