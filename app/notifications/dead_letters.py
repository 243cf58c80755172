"""Pushes that will not be tried again by themselves: `sepakat deliveries` lists, counts and replays them.

A dead letter is its row in `deliveries`, with the provider's reason. No registration value is read here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import msgspec

from app.platform.database import WRITES, as_operator
from app.platform.sql import load

SQL = load("notifications/dead_letters")
CLEARING = load("notifications/clearing")
PAGE = 500
NEVER = datetime(1, 1, 1, tzinfo=UTC)
NOBODY = UUID(int=0)


class Chosen(msgspec.Struct, frozen=True):
    """Which dead letters: that died since an instant (aware), whose code is or begins with `code`, of one class, by id."""

    since: datetime | None = None
    code: str | None = None
    entry_class: str | None = None
    delivery_ids: Sequence[UUID] | None = None


class DeadLetter(msgspec.Struct, frozen=True):
    """`state` is `unregistered` (its target was refused) or `rejected`; ages are seconds."""

    delivery_id: UUID
    participant_id: UUID
    cause_id: UUID
    device_id: UUID
    entry_class: str | None
    state: str
    code: str | None
    attempts: int
    first_tried_at: datetime
    died_at: datetime
    age_s: float


class Total(msgspec.Struct, frozen=True):
    code: str | None
    entry_class: str | None
    pushes: int
    oldest_s: float
    newest_s: float


class ClearingState(msgspec.Struct, frozen=True):
    """What the window has come to; `stopped_at` is None unless targets wait to be cleared until its end."""

    cleared: int
    stopped_at: datetime | None
    until: datetime | None
    allowed_until: datetime | None


@asynccontextmanager
async def open_dead_letters(operator_url: str) -> AsyncIterator[DeadLetters]:
    """As the operator's role. Raises PostgresError for who may not act as it."""
    async with as_operator(operator_url, **WRITES) as connection:
        yield DeadLetters(connection)


class DeadLetters:
    def __init__(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        self._connection = connection

    async def each(self, chosen: Chosen) -> AsyncIterator[DeadLetter]:
        """Those that had died when it was asked, the first first."""
        async for page in self._pages(chosen):
            for row in page:
                yield msgspec.convert(dict(row), DeadLetter)

    async def count(self, chosen: Chosen) -> list[Total]:
        """By code and class, the most first."""
        until = await self._connection.fetchval(SQL["instant"])
        rows = await self._connection.fetch(SQL["totals"], until, *_filters(chosen))
        return [msgspec.convert(dict(row), Total) for row in rows]

    async def replay(self, chosen: Chosen) -> Counter[str]:
        """Puts them back to be sent under the ids that they had. How many of each outcome: `sent_again`, or why not.

        What dies again meanwhile is not taken a second time.
        """
        outcomes: Counter[str] = Counter()
        async for page in self._pages(chosen):
            keys = [[row[key] for row in page] for key in ("participant_id", "cause_id", "device_id")]
            outcomes.update(row["outcome"] for row in await self._connection.fetch(SQL["replay"], *keys))
        return outcomes

    async def allow_clearing(self, for_: timedelta) -> datetime:
        """Lets targets be cleared however many they are, for a day at most; nothing ends it. Returns until when."""
        until: datetime = await self._connection.fetchval(CLEARING["allow"], for_)
        return until

    async def clearing(self) -> ClearingState:
        return msgspec.convert(dict(await self._connection.fetchrow(CLEARING["state"]) or {}), ClearingState)

    async def _pages(self, chosen: Chosen) -> AsyncIterator[list[asyncpg.Record]]:
        until = await self._connection.fetchval(SQL["instant"])
        place = (NEVER, NOBODY, NOBODY, NOBODY)
        while rows := await self._connection.fetch(SQL["page"], *place, PAGE, until, *_filters(chosen)):
            yield rows
            last = rows[-1]
            place = (last["died_at"], last["participant_id"], last["cause_id"], last["device_id"])


def _filters(chosen: Chosen) -> tuple[datetime | None, str | None, str | None, Sequence[UUID] | None]:
    return chosen.since, chosen.code, chosen.entry_class, chosen.delivery_ids
