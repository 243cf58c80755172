"""GET /v1/stream: entries as they happen, as server-sent events.

No connection is held while there is nothing to say. The stream looks when it is woken, and by itself every 15 seconds (a
setting); each look asks first whether the session still lives.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from litestar import Request, get
from litestar.response import Stream

from app.identity.problems import NotSignedIn, TokenExpired
from app.identity.session import SignedIn
from app.notifications.entry import present
from app.notifications.inbox import INBOX, LAST_SEQ
from app.platform.database import transaction
from app.platform.problems import BUSY_ERRORS, Busy, RequestInvalid
from app.platform.sql import statement
from app.platform.wakes import Wakes

HEAD = statement("notifications/stream")
READ_AT_ONCE = 100
HEADERS = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}


@get(
    "/v1/stream",
    opt={"transaction": False, "problems": (Busy,), "answers": {200: {"text/event-stream": {"type": "string"}}}},
    tags=["notifications"],
)
async def stream(request: Request[Any, Any, Any]) -> Stream:
    """`event: entry` with an inbox entry as data and its seq as id. Resumes after `Last-Event-ID`, else starts now.

    `event: read` with `{read_up_to}`, without an id, when another phone of mine read on, and after a resumption.
    `event: reauthenticate` ends it: the session is over or the access token has expired.
    """
    last_event_id = request.headers.get("last-event-id", "")
    after = _read_seq(last_event_id) if last_event_id else None
    look = _Look(request)
    head, read_up_to = await look.sign_in()
    # Whoever resumes may have missed that another phone read on.
    events = _follow(look, head, read_up_to) if after is None else _follow(look, min(after, head), 0)
    return Stream(events, media_type="text/event-stream", headers=HEADERS)


def _read_seq(value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) <= 19 and int(value) <= LAST_SEQ):
        raise RequestInvalid(errors=[{"field": "Last-Event-ID", "reason": "it is the id of an event, a seq"}])
    return int(value)


class _Look:
    """Short looks into the database on behalf of one stream, each in a transaction of its own."""

    def __init__(self, request: Request[Any, Any, Any]) -> None:
        self.scope = request.scope
        self.state = request.app.state
        self.wakes: Wakes = request.app.state.wakes
        self.every_s: float = request.app.state.settings.stream_look_every_s

    @property
    def who(self) -> SignedIn:
        signed_in: SignedIn = self.scope["user"]
        return signed_in

    async def sign_in(self) -> tuple[int, int]:
        """The head's seq, and how far is read. Raises NotSignedIn, TokenExpired."""
        async with transaction(self.state.pool, wait_s=self.state.settings.pool_wait_s) as connection:
            await self.state.identify(connection, self.scope)
            (row,) = await connection.fetch(HEAD, self.who.participant_id)
            return row["seq"], row["read_up_to"]

    async def read(self, after: int) -> tuple[list[tuple[int, bytes]], int]:
        """At most 100 entries after this seq, as events with their seq; how far is read. Raises NotSignedIn, TokenExpired."""
        async with transaction(self.state.pool, wait_s=self.state.settings.pool_wait_s) as connection:
            await self.state.identify(connection, self.scope)
            rows = await connection.fetch(INBOX["after"], self.who.participant_id, after, READ_AT_ONCE)
        entries = [present(row, self.who.locale) for row in rows if row["seq"] is not None]
        events = [
            (entry.seq, b"id: %d\nevent: entry\ndata: %s\n\n" % (entry.seq, msgspec.json.encode(entry)))
            for entry in entries
        ]
        return events, rows[0]["read_up_to"]


async def _follow(look: _Look, after: int, told_read: int) -> AsyncIterator[bytes]:
    with look.wakes.listen(look.who.participant_id) as woken:
        yield b"retry: 2000\n\n"
        while True:
            woken.clear()
            try:
                events, read_up_to = await look.read(after)
            except (NotSignedIn, TokenExpired) as problem:
                yield b'event: reauthenticate\ndata: {"code":"%s"}\n\n' % problem.code.encode()
                return
            except BUSY_ERRORS:
                events, read_up_to = [], told_read  # the database is away: the stream stays and looks again
            for seq, event in events:
                yield event
                after = seq
            if len(events) < READ_AT_ONCE:
                if read_up_to > told_read:
                    told_read = read_up_to
                    yield b'event: read\ndata: {"read_up_to":%d}\n\n' % read_up_to
                try:
                    await asyncio.wait_for(woken.wait(), look.every_s)
                except TimeoutError:
                    yield b": still here\n\n"
