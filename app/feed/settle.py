"""One event, one transaction: known already, too early, or its turn. Then those that waited for it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Literal

import asyncpg
import msgspec

from app.feed.apply import apply
from app.feed.event import Event
from app.feed.rejection import Rejected
from app.feed.turn import Admit, Applied, Turn
from app.platform.database import LOST_RACES, Connection, Pool, transaction
from app.platform.jobs import Doorbell
from app.platform.sealing import read_sealer
from app.platform.sql import load, statement
from app.settings import Settings

SQL = load("feed/settle")
SKIPPED = statement("feed/gaps", "skipped")

TRIES = 5
FIRST_PAUSE_S = 0.02
BULK_TYPES = ("contribution.posted", "growth.credited")


class Result(msgspec.Struct, frozen=True):
    """What became of an event. `id` is null when none could be read."""

    id: str | None
    outcome: Literal["applied", "duplicate", "held", "rejected", "quarantined"]
    code: str | None = None
    detail: str | None = None


class Desk(msgspec.Struct, frozen=True):
    """What a request settles its events with. The doorbell is rung by the caller."""

    pool: Pool
    settings: Settings
    doorbell: Doorbell
    admit: Admit | None = None


class Received(msgspec.Struct, frozen=True):
    """An event with the JSON that it came as and the SHA-256 of that."""

    event: Event
    content: Any
    content_hash: bytes


async def settle(desk: Desk, received: Received) -> tuple[Result, bool]:
    """Settles one event in a transaction of its own; five times when it loses a race for a lock. True when held events may be
    due now: whoever holds one has locked its streams, as this transaction has.

    Raises what the database raised in the last try, or Waits; nothing of the event is kept then, and it can be sent again.
    """
    for attempt in range(TRIES):
        try:
            async with transaction(desk.pool, wait_s=desk.settings.pool_wait_s) as connection:
                result, applied, frees = await _settle_once(desk, connection, received)
            break
        except LOST_RACES:
            if attempt == TRIES - 1:
                raise
            await asyncio.sleep(FIRST_PAUSE_S * 2**attempt)
    if applied is not None:
        for participant_id, lane in ((applied.participant_id, applied.lane), *applied.others):
            if participant_id is not None and lane is not None:
                desk.doorbell.ring(participant_id, lane)
    return result, frees


async def release(desk: Desk, streams: set[str]) -> list[Result]:
    """Settles held events as far as these streams have come, and then those that waited for them."""
    results: list[Result] = []
    while streams:
        async with desk.pool.acquire(timeout=desk.settings.pool_wait_s) as connection:
            rows = await connection.fetch(SQL["find_released"], sorted(keep_streams(desk.settings, streams).values()))
        streams = set()
        for row in rows:
            content = msgspec.json.decode(open_content(desk.settings, row["content_sealed"], row["event_id"]))
            event = msgspec.convert(content, Event)
            result, frees = await settle(desk, Received(event, content, row["content_hash"]))
            results.append(result)
            streams |= event.streams.keys() if frees else set()
    return results


async def _settle_once(desk: Desk, connection: Connection, received: Received) -> tuple[Result, Applied | None, bool]:
    event, settings = received.event, desk.settings
    known = await connection.fetchrow(SQL["find_event"], event.id)
    positions: dict[str, int] = {}
    if known is None or known["outcome"] == "held":
        positions = await _lock_streams(settings, connection, event)
        known = await _take(settings, connection, received)
    if known is not None and known["content_hash"] != received.content_hash:
        await connection.execute(SQL["quarantine"], event.id, received.content_hash, _seal_content(settings, received))
        return (
            Result(event.id, "quarantined", "id_reused", "This id was used for another event. Use a new one."),
            None,
            False,
        )
    if known is not None and known["outcome"] != "held":
        detail = known["detail_sealed"] and _open(settings, known["detail_sealed"], "detail", event.id)
        return Result(event.id, "duplicate", known["code"], detail), None, True
    for stream, number in event.streams.items():
        if number > positions[stream] + 1:
            await connection.execute(SQL["hold"], event.id, *_numbers(settings, event))
            waits = f"{stream} waits for number {positions[stream] + 1}."
            return Result(event.id, "held", "number_missing", waits), None, True
    return await _take_turn(desk, connection, event, positions)


async def _lock_streams(settings: Settings, connection: Connection, event: Event) -> dict[str, int]:
    if not event.streams:
        return {}
    kept = keep_streams(settings, event.streams)
    rows = await connection.fetch(SQL["lock_streams"], list(kept.values()))
    positions = {row["stream"]: row["position"] for row in rows}
    return {stream: positions[name] for stream, name in kept.items()}


def keep_streams(settings: Settings, streams: Iterable[str]) -> dict[str, str]:
    """Streams as sent, and as they are kept: that of a participant under the hash of the identity number."""
    sealer, kept = read_sealer(settings.data_keys), {}
    for stream in streams:
        subject, _, number = stream.partition(":")
        nik_hash = sealer.look_up(number, column="nik").hex() if subject == "participant" else None
        kept[stream] = f"participant:{nik_hash}" if nik_hash else stream
    return kept


def _numbers(settings: Settings, event: Event) -> tuple[list[str], list[int]]:
    """The streams of an event as they are kept, and its number in each."""
    return list(keep_streams(settings, event.streams).values()), list(event.streams.values())


def _seal_content(settings: Settings, received: Received) -> bytes:
    content = msgspec.json.encode(received.content).decode()
    return read_sealer(settings.data_keys).seal(content, column="content", row=received.event.id)


def open_content(settings: Settings, sealed: bytes, event_id: str) -> str:
    """The JSON that an event came as."""
    return _open(settings, sealed, "content", event_id)


def _open(settings: Settings, sealed: bytes, column: str, event_id: str) -> str:
    return read_sealer(settings.data_keys).open(sealed, column=column, row=event_id)


async def _take(settings: Settings, connection: Connection, received: Received) -> asyncpg.Record | None:
    """Nothing when the event is new and ours to settle, else what is known of it by now."""
    event = received.event
    content = _seal_content(settings, received)
    if await connection.fetchval(
        SQL["take_event"], event.id, received.content_hash, event.type, event.occurred_at, content
    ):
        return None
    return await connection.fetchrow(SQL["find_event"], event.id)


async def _take_turn(
    desk: Desk, connection: Connection, event: Event, positions: dict[str, int]
) -> tuple[Result, Applied | None, bool]:
    """Applied or rejected, the event has used its numbers; not those of a stream that is not its own."""
    applied, settings = None, desk.settings
    own = True
    try:
        await _check_numbers(settings, connection, event, positions)
        now = await connection.fetchval(SQL["now"])
        await _check_bulk(connection, event)
        applied = await apply(Turn(connection, event, settings, now, desk.admit))
        result = Result(event.id, "applied", applied.code)
    except Rejected as rejected:
        result = Result(event.id, "rejected", rejected.code, rejected.detail)
        own = rejected.code != "stream_foreign"
    detail = result.detail and read_sealer(settings.data_keys).seal(result.detail, column="detail", row=event.id)
    used = _numbers(settings, event) if own else ([], [])
    frees = await connection.fetchval(SQL["finish"], event.id, result.outcome, result.code, detail, *used)
    return result, applied, frees


async def _check_bulk(connection: Connection, event: Event) -> None:
    if event.type in BULK_TYPES and await connection.fetchval(SQL["is_in_bulk"], event.id):
        raise Rejected("already_posted")


async def _check_numbers(settings: Settings, connection: Connection, event: Event, positions: dict[str, int]) -> None:
    for stream, number in event.streams.items():
        if number <= positions[stream]:
            [kept] = keep_streams(settings, [stream]).values()
            skipped = await connection.fetchval(SKIPPED, kept, number)
            raise Rejected("number_skipped" if skipped else "stream_number_taken", stream=stream, number=number)
