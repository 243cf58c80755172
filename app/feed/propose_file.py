"""`sepakat proposals load FILE`: merges that the agency proposes to many, from CSV or Parquet. docs/proposals.md has the format.

Each row is an event of its own, named after the file and its row: it is settled like one that the core sent, once, and its
result is kept. A row whose time has not come is rolled back whole and left for the next run: nothing waits but the file.
"""

from __future__ import annotations

import hashlib
import uuid
from asyncio import gather
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from itertools import islice
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from app.feed import import_fields as fields
from app.feed.event import MAX_REASON_CHARACTERS, Event
from app.feed.settle import Desk, Received, settle
from app.feed.turn import Turn, Waits
from app.platform.database import LOST_RACES, connect
from app.platform.jobs import Doorbell, Jobs
from app.platform.refused_rows import RefusedWriter
from app.platform.sql import load
from app.platform.strict_text import bad_text
from app.platform.tables import (
    Column,
    FieldError,
    Refusal,
    RefusedRow,
    Row,
    TableRefused,
    hash_file,
    open_source,
    open_table,
)
from app.settings import Settings

SQL = load("feed/propose_file")
CHUNK = 500
AT_ONCE = 8
MOST_ABSORBED = 20
_Bound: TypeAlias = tuple[uuid.UUID | None, timedelta | None]
"""An announcement, and how long it must have been there; None twice: nothing is waited for."""


class Announced(msgspec.Struct, frozen=True):
    """What a file's proposals wait for: the announcement, by the id of its event, and how long it must have been in a
    participant's history."""

    event_id: str
    announced_for: timedelta


class Report(msgspec.Struct):
    """What became of the rows of a file. `waiting` counts by code what is left for another run, and is none of the others."""

    rows: int = 0
    proposed: int = 0
    proposed_before: int = 0
    refused: int = 0
    waiting: Counter[str] = msgspec.field(default_factory=Counter)
    refusals: Counter[str] = msgspec.field(default_factory=Counter)


DAY_FULL, TOO_MANY = "proposals_day_full", "proposals_too_many"
NOT_ANNOUNCED, BUSY = "announcement_not_yet", "busy"


def _read_absorb(text: str) -> list[str]:
    """One or several card numbers, vertical bars between. Raises FieldError."""
    kpjs = [fields.read_kpj(part.strip()) for part in text.split("|")]
    if len(kpjs) > MOST_ABSORBED:
        raise FieldError(f"needs at most {MOST_ABSORBED} card numbers")
    return kpjs


def _read_reason(text: str) -> str:
    """What the participant reads. Raises FieldError."""
    bad = bad_text(text)
    if bad is not None:
        raise FieldError(bad)
    if len(text) > MAX_REASON_CHARACTERS:
        raise FieldError(f"needs at most {MAX_REASON_CHARACTERS} characters")
    return text


COLUMNS = (
    Column("absorb", _read_absorb),
    Column("into", fields.read_kpj),
    Column("reason", _read_reason, required=False),
)


class ProposalsRefused(ValueError):
    """Nothing was proposed; the message says why."""


async def propose_file(
    settings: Settings,
    path: Path,
    *,
    announced: Announced | None = None,
    refused: Path | None = None,
    progress: Any = None,
) -> Report:
    """Proposes what a file says and what has not been proposed yet, as the role `sepakat_feed`.

    `progress`, if given, is called with the rows done and the rows there are. Refused rows go to `refused`, in the form of the
    file, those of earlier runs too. Raises ProposalsRefused, OSError, or what the database raised: run it again then.
    """
    try:
        # To its end, so that a damaged file is found before the first proposal.
        rows = sum(1 for _ in open_source(path))
        table, file_id = open_table(path, COLUMNS), hash_file(path)
        with ExitStack() as opened:
            writer = opened.enter_context(RefusedWriter(path, refused)) if refused is not None else None
            pool = await connect(settings.database_url, size=AT_ONCE + 1, application="sepakat proposals")
            jobs = Jobs(settings.redis_url, settings.secret)
            try:
                async with pool.acquire() as guard:
                    if not await guard.fetchval(SQL["lock_proposals"]):
                        raise ProposalsRefused("Other proposals are being loaded. Wait until that ends.")
                    run = _Run(settings, pool, jobs, await _bind(guard, file_id, path.name, announced), file_id)
                    run.report.rows = rows
                    for chunk in _chunks(table):
                        for refusal in await run.settle(chunk):
                            if writer is not None:
                                writer.write(refusal)
                        if progress is not None:
                            progress(len(chunk), rows)
                    return run.report
            finally:
                await jobs.close()
                await pool.close()
    except TableRefused as error:
        raise ProposalsRefused(f"{path.name}: {error}") from error


async def _bind(connection: Any, file_id: bytes, name: str, announced: Announced | None) -> _Bound:
    """What the file waits for. It was said the first time, lest a run that forgets it be faster than the announcement."""
    said: _Bound = (None, None)
    if announced is not None:
        announcement_id = await connection.fetchval(SQL["find_announcement"], announced.event_id)
        if announcement_id is None:
            raise ProposalsRefused(
                f"No announcement came by event {announced.event_id}. `sepakat announcements list` has those that came."
            )
        said = (announcement_id, announced.announced_for)
    await connection.execute(SQL["keep_file"], file_id, name, *said)
    announcement_id, announced_for, event_id = await connection.fetchrow(SQL["read_file"], file_id)
    if announced is not None and (announcement_id, announced_for) != said:
        raise ProposalsRefused(f"This file was loaded before, and waits for {event_id or 'no announcement'}.")
    return announcement_id, announced_for


class _Run:
    """One run over one file."""

    def __init__(self, settings: Settings, pool: Any, jobs: Jobs, bound: _Bound, file_id: bytes) -> None:
        self.report = Report()
        self._settings, self._pool, self._jobs = settings, pool, jobs
        self._bound, self._prefix = bound, f"proposals.{file_id.hex()[:32]}"

    async def settle(self, chunk: list[Row | RefusedRow]) -> list[Refusal]:
        """Proposes what the rows say, as far as the day goes; why some are refused, in their order."""
        ids = [self._id(row.number) for row in chunk]
        applied = {row["event_id"] for row in await self._pool.fetch(SQL["find_applied"], ids)}
        found: list[Refusal] = []
        new: list[Row] = []
        for row in chunk:
            if isinstance(row, RefusedRow):
                found += row.refusals
                self._refused(row.refusals[0].code)
            elif self._id(row.number) in applied:
                self.report.proposed_before += 1
            else:
                new.append(row)
        found += await self._propose(new)
        return sorted(found, key=attrgetter("number"))

    async def _propose(self, rows: list[Row]) -> list[Refusal]:
        """Some at once, so that the database's disk is not waited for one by one; never more than the day still takes."""
        found: list[Refusal] = []
        today = await self._pool.fetchrow(SQL["count_today"])
        room, waiting = self._settings.proposals_day_limit - today["proposed"], deque(rows)
        desk = Desk(self._pool, self._settings, Doorbell(), self._admit)
        try:
            while waiting and room > 0:
                wave = [waiting.popleft() for _ in range(min(AT_ONCE, room, len(waiting)))]
                before = self.report.proposed
                refusals = await gather(*(self._propose_one(desk, row, today["now"]) for row in wave))
                found += filter(None, refusals)
                room -= self.report.proposed - before
        finally:
            await self._jobs.ring(desk.doorbell)
        self.report.waiting.update({DAY_FULL: len(waiting)} if waiting else {})
        return found

    async def _propose_one(self, desk: Desk, row: Row, now: datetime) -> Refusal | None:
        """Why it is refused, if it is."""
        event = Event(self._id(row.number), "merge.proposed", now, row.values)
        content_hash = hashlib.sha256(msgspec.json.encode(row.values)).digest()
        try:
            result, _ = await settle(desk, Received(event, msgspec.to_builtins(event), content_hash))
        except Waits as waits:
            self.report.waiting[waits.code] += 1
            return None
        except (*LOST_RACES, TimeoutError):
            self.report.waiting[BUSY] += 1
            return None
        if result.outcome == "applied":
            self.report.proposed += 1
            return None
        code = result.code or result.outcome
        self._refused(code)
        return Refusal(row.number, "", result.detail or "", code)

    def _refused(self, code: str) -> None:
        self.report.refused += 1
        self.report.refusals[code] += 1

    async def _admit(self, turn: Turn, participant_id: uuid.UUID) -> None:
        """Raises Waits for a participant, locked by now, who was not told before or was proposed enough today."""
        (row,) = await turn.connection.fetch(SQL["admit"], participant_id, *self._bound)
        if not row["announced"]:
            raise Waits(NOT_ANNOUNCED)
        if row["proposed"] >= self._settings.proposals_per_day:
            raise Waits(TOO_MANY)

    def _id(self, number: int) -> str:
        return f"{self._prefix}.{number}"


def _chunks(rows: Iterable[Row | RefusedRow]) -> Iterator[list[Row | RefusedRow]]:
    remaining = iter(rows)
    while chunk := list(islice(remaining, CHUNK)):
        yield chunk
