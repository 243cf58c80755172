"""POST /feed/v1/events/lines: many events as NDJSON, one a line, and their results as they are settled, one a line.

The whole body is there before the first event is applied: until then nobody knows that it was signed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import structlog
from litestar import Request, post
from litestar.di import NamedDependency
from litestar.response import Stream

from app.feed.receive import receive_event
from app.feed.rejection import Rejected
from app.feed.settle import Desk, Result
from app.feed.signature import SignatureInvalid, require_signature
from app.platform.jobs import Doorbell
from app.platform.problems import BUSY_ERRORS, BodyMalformed, RequestInvalid
from app.platform.strict_json import decode_item
from app.settings import Settings

log = structlog.get_logger()

NDJSON = "application/x-ndjson"
BODY_LIMIT_BYTES = 16 * 1024 * 1024
LINES_LIMIT = 20_000
RING_EVERY = 100


class Stopped(msgspec.Struct, frozen=True):
    """The last line when it could not go on: events from `line` on (counted from 1, blank lines too) are untouched."""

    outcome: str
    code: str
    line: int


@post(
    "/feed/v1/events/lines",
    status_code=200,
    guards=[require_signature],
    opt={
        "problems": (SignatureInvalid,),
        "public": True,
        "transaction": False,
        "body_limit": BODY_LIMIT_BYTES,
        "unpacked_limit": BODY_LIMIT_BYTES,
        "body_types": (NDJSON,),
    },
    tags=["feed"],
)
async def receive_lines(request: Request[Any, Any, Any], settings: NamedDependency[Settings]) -> Stream:
    """One result a line, in the order of the events; before that of an event that releases held ones, theirs anew.

    A line that is no event is rejected alone. `{"outcome": "stopped", "code": "busy", "line": n}` ends an answer early: send
    the same body again later.
    """
    lines: list[bytes] = request.scope["state"]["unpacked"].split(b"\n")
    events = sum(bool(line.strip()) for line in lines)
    if not 1 <= events <= LINES_LIMIT:
        raise RequestInvalid(errors=[{"field": "", "reason": f"it has 1 to {LINES_LIMIT} lines"}])
    return Stream(_settle(request, settings, lines), media_type=NDJSON, headers={"X-Accel-Buffering": "no"})


async def _settle(request: Request[Any, Any, Any], settings: Settings, lines: list[bytes]) -> AsyncIterator[bytes]:
    desk = Desk(request.app.state.pool, settings, Doorbell())
    held: list[Result] = []
    number = 0
    try:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            before = list(held)
            result = await _settle_line(desk, line, held)
            for place, earlier in enumerate(before):
                if held[place] is not earlier:
                    yield _write(held[place])
            held = [waiting for waiting in held if waiting.outcome == "held"]
            if result.outcome == "held":
                held.append(result)
            yield _write(result)
            if number % RING_EVERY == 0:
                desk = _ring(request, desk)
    except BUSY_ERRORS as error:
        log.warning("feed_stopped", line=number, error=type(error).__name__)
        yield _write(Stopped("stopped", "busy", number))
    finally:
        _ring(request, desk)


async def _settle_line(desk: Desk, line: bytes, held: list[Result]) -> Result:
    try:
        content = decode_item(line)
    except BodyMalformed as malformed:
        rejected = Rejected("event_malformed", reason=str(malformed.members["reason"]))
        return Result(None, "rejected", rejected.code, rejected.detail)
    return await receive_event(desk, content, held)


def _write(line: Result | Stopped) -> bytes:
    return msgspec.json.encode(line) + b"\n"


def _ring(request: Request[Any, Any, Any], desk: Desk) -> Desk:
    """Rings for what is settled so far; the desk to go on with."""
    request.app.state.jobs.ring_soon(desk.doorbell)
    return msgspec.structs.replace(desk, doorbell=Doorbell())
