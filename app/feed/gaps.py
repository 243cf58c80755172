"""POST /feed/v1/streams/search and /skip: streams in which a number never came, and going past it.

What came after it is held, kept and visible; after a day it is an alarm, and staff may skip the number, by name and with a
reason. An event that comes with a skipped number all the same is rejected with a code of its own, so that its sender notices.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

import asyncpg
import msgspec
from litestar import Request, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from app.feed.event import Event, Staff, Text
from app.feed.settle import Desk, Result, keep_streams, open_content, release
from app.feed.signature import SignatureInvalid, require_signature
from app.platform.database import Connection, Pool, transaction
from app.platform.jobs import Doorbell
from app.platform.problems import Problem
from app.platform.sql import load
from app.settings import Settings

SQL = load("feed/gaps")
KeptStream = Annotated[str, msgspec.Meta(pattern=r"^(card:[0-9A-Za-z]{10,15}|participant:([0-9]{16}|[0-9a-f]{64}))$")]


class GapUnknown(Problem):
    status, code, title = 404, "gap_unknown", "Nothing is missing there in this stream"
    indonesian = "Aliran ini tidak menunggu nomor sampai `last`. Cari dengan /feed/v1/streams/search."
    english = "This stream waits for no number up to `last`. See those that do at /feed/v1/streams/search."


class GapTooYoung(Problem):
    status, code, title = 409, "gap_too_young", "The number may still come"
    indonesian = "Nomor ini belum ditunggu selama 24 jam. Kirim peristiwa yang hilang, atau lewati nanti."
    english = "This number has not been waited for during 24 hours. Send the event that is missing, or skip it later."
    constraint = "gap_is_a_day_old"


class StreamSearch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`waiting_s`: only what waits for at least so long."""

    waiting_s: Annotated[int, msgspec.Meta(ge=0, le=10**9)] = 0
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100


class StreamSearchBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A top-level key of its own: no body of another route fits this one."""

    stream_search: StreamSearch


class Gap(msgspec.Struct, frozen=True):
    """`stream` waits for the numbers `first` to `last`; `held` events wait behind them, the next of which is `event_id`, for
    `age_s` seconds.
    """

    stream: str
    first: int
    last: int
    held: int
    since: datetime
    age_s: int
    event_id: str


class Gaps(msgspec.Struct, frozen=True):
    """`held`, `streams` and `alarming` (waiting for more than 24 hours) count all, whatever was searched for."""

    gaps: list[Gap]
    streams: int
    alarming: int
    held: int


class StreamSkip(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`last` is that of the gap as it was looked at: no number beyond it is skipped. `staff` is who decided it, and `reason`
    why; both are kept.
    """

    stream: KeptStream
    last: Annotated[int, msgspec.Meta(ge=1, le=2**53 - 1)]
    staff: Staff
    reason: Text


class StreamSkipBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A top-level key of its own: no body of another route fits this one."""

    stream_skip: StreamSkip


class Skipped(msgspec.Struct, frozen=True):
    """The numbers that are not waited for any more, and what became of the events behind them."""

    first: int
    last: int
    results: list[Result]


class Held(msgspec.Struct, frozen=True):
    streams: int
    alarming: int
    held: int
    oldest_s: int


@post(
    "/feed/v1/streams/search",
    status_code=200,
    guards=[require_signature],
    opt={"problems": (SignatureInvalid,), "public": True, "transaction": False},
    tags=["feed"],
)
async def search_streams(
    request: Request[Any, Any, Any], data: JSONBody[StreamSearchBody], settings: NamedDependency[Settings]
) -> Gaps:
    """Streams in which a number is missing, those that wait longest first."""
    search = data.stream_search
    async with transaction(request.app.state.pool, wait_s=settings.pool_wait_s) as connection:
        gaps = await find_gaps(connection, timedelta(seconds=search.waiting_s), search.limit)
        named = [await _name_stream(connection, gap, settings) for gap in gaps]
        counted = await count_held(connection)
    return Gaps(named, counted.streams, counted.alarming, counted.held)


@post(
    "/feed/v1/streams/skip",
    status_code=200,
    guards=[require_signature],
    opt={"problems": (SignatureInvalid, GapUnknown, GapTooYoung), "public": True, "transaction": False},
    tags=["feed"],
)
async def skip_stream(
    request: Request[Any, Any, Any], data: JSONBody[StreamSkipBody], settings: NamedDependency[Settings]
) -> Skipped:
    """Goes past numbers that never came. Sent again, it skips nothing else, and settles what a crash left waiting behind them."""
    desk = Desk(request.app.state.pool, settings, Doorbell())
    try:
        return await skip_gap(desk, data.stream_skip)
    finally:
        request.app.state.jobs.ring_soon(desk.doorbell)


async def find_gaps(connection: Connection | Pool, waiting: timedelta, limit: int) -> list[Gap]:
    """Streams as they are kept: a participant's under the hash of the identity number."""
    return [msgspec.convert(dict(row), Gap) for row in await connection.fetch(SQL["gaps"], waiting, limit)]


async def count_held(connection: Connection | Pool) -> Held:
    """Of all streams."""
    return msgspec.convert(dict(await connection.fetchrow(SQL["count"]) or {}), Held)


async def skip_gap(desk: Desk, skip: StreamSkip) -> Skipped:
    """Skips what is missing up to `last`, and settles what waited for it. Raises GapUnknown, GapTooYoung."""
    try:
        first, last = await _skip(desk, skip)
    except GapUnknown:
        await release(desk, {skip.stream})
        raise
    return Skipped(first, last, await release(desk, {skip.stream}))


async def _skip(desk: Desk, skip: StreamSkip) -> tuple[int, int]:
    async with transaction(desk.pool, wait_s=desk.settings.pool_wait_s) as connection:
        [kept] = keep_streams(desk.settings, [skip.stream]).values()
        try:
            row = await connection.fetchrow(SQL["skip"], kept, skip.staff, skip.reason)
        except asyncpg.CheckViolationError as error:
            if error.constraint_name == GapTooYoung.constraint:
                raise GapTooYoung from None
            raise
        if row is None or row["first"] is None or row["last"] > skip.last:
            raise GapUnknown  # which undoes the skip of another gap
        return row["first"], row["last"]


async def _name_stream(connection: Connection, gap: Gap, settings: Settings) -> Gap:
    """As its sender names it: the event that waits there says so."""
    sealed = await connection.fetchval(SQL["content"], gap.event_id)
    event = msgspec.convert(msgspec.json.decode(open_content(settings, sealed, gap.event_id)), Event)
    named = {kept: stream for stream, kept in keep_streams(settings, event.streams).items()}
    return msgspec.structs.replace(gap, stream=named.get(gap.stream, gap.stream))
