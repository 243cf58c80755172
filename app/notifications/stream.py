"""GET /v1/stream: entries as they happen, as server-sent events.

A stream says what the desk of its process finds for it (app/notifications/desk.py): woken by the doorbell, and by itself
within 15 seconds (a setting); each look asks first whether the session still lives. Of a reader that takes nothing, what
is held stays one page, and after a minute (a setting) its connection is closed.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from litestar import Request, get
from litestar.response import Stream

from app.identity.bearer import read_bearer
from app.identity.problems import NotSignedIn
from app.identity.session import choose_language
from app.notifications.desk import Desk, Reader
from app.notifications.entry import present
from app.notifications.inbox import LAST_SEQ
from app.platform.problems import Busy, RequestInvalid

RETRY_MS = (1000, 5000)  # after a break of many, they come again one after the other
ENDS = {
    "not_signed_in": b'event: reauthenticate\ndata: {"code":"not_signed_in"}\n\n',
    "token_expired": b'event: reauthenticate\ndata: {"code":"token_expired"}\n\n',
    "replaced": b'event: replaced\ndata: {"code":"too_many_streams"}\n\n',
    "failed": b": come again\n\n",
}
HEADERS = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}


@get(
    "/v1/stream",
    opt={"transaction": False, "problems": (Busy,), "answers": {200: {"text/event-stream": {"type": "string"}}}},
    tags=["notifications"],
)
async def stream(request: Request[Any, Any, Any]) -> Stream:
    """`event: entry` with an inbox entry as data and its seq as id. Resumes after `Last-Event-ID`, else starts now.

    `event: read` with `{read_up_to}`, without an id, when another phone of mine read on, and after a resumption.
    `event: reauthenticate` ends it: the session is over or the access token has expired. `event: replaced` ends it: the
    same session has opened more of them than it may have, and this one was the oldest.
    """
    last_event_id = request.headers.get("last-event-id", "")
    after = _read_seq(last_event_id) if last_event_id else None
    desk: Desk = request.app.state.desk
    desk.admit()
    token = read_bearer(request.app.state.tokens, dict(request.scope["headers"]))
    if token is None:
        raise NotSignedIn
    reader = Reader(token)
    await desk.sign_in(reader, after)
    said = _follow(desk, reader, request.headers.get("accept-language", ""))
    return Stream(said, media_type="text/event-stream", headers=HEADERS)


def _read_seq(value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) <= 19 and int(value) <= LAST_SEQ):
        raise RequestInvalid(errors=[{"field": "Last-Event-ID", "reason": "it is the id of an event, a seq"}])
    return int(value)


async def _follow(desk: Desk, reader: Reader, accept_language: str) -> AsyncIterator[bytes]:
    with desk.seat(reader):
        yield b"retry: %d\n\n" % random.randint(*RETRY_MS)  # noqa: S311
        while True:
            news = await desk.next(reader)
            if news.over:
                yield ENDS[news.over]
                return
            for row in news.rows:
                entry = present(row, choose_language(accept_language, news.locale))
                yield b"id: %d\nevent: entry\ndata: %s\n\n" % (entry.seq, msgspec.json.encode(entry))
            if news.read_up_to > reader.told_read:
                reader.told_read = news.read_up_to
                yield b'event: read\ndata: {"read_up_to":%d}\n\n' % news.read_up_to
            elif not news.rows:
                yield b": still here\n\n"
