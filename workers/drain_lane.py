"""Drains one lane of the outbox: takes its lease, sends batch after batch, writes what came of each, lets go.

Everything is written by one statement per batch that also renews the lease under its fence: a worker that slept past its
lease writes nothing. No transaction is open while something is sent.

A process sends the bulk of a few lanes at once, so that one reads and settles while another sends, and leaves the others to
other processes. What is urgent waits for no turn: it goes out before a lane's turn, and while its bulk is sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

import asyncpg
import msgspec
import structlog

from app.notifications.clearing import keep_within_bounds
from app.notifications.deliver import URGENT, Deliverer
from app.notifications.digest import RESTING, gather_digests, note_every_cause
from app.notifications.encrypted import read_shown
from app.notifications.notification import gather, without_a_cut_cause
from app.notifications.row import Row
from app.notifications.settlement import Settlement
from app.platform.database import Pool
from app.platform.sql import load

log = structlog.get_logger()

LANE = load("notifications/lane")
DIGEST = load("notifications/digest")
BULK = 1
# Renewed each second, for as long as the lane is read and its pushes are under way: a worker that stalls for three seconds keeps
# it. One that stalls for longer loses it, and what it was sending goes out once more under the same ids.
LEASE = timedelta(seconds=4)
RENEW_EVERY_S = 1.0
BATCH = 500
BULK_LANES_AT_ONCE = 4

T = TypeVar("T")
Place = tuple[UUID, int]
START: Place = (UUID(int=0), 0)


class LeaseLostError(Exception):
    """Somebody else has the lane: what was sent since the last settling will be sent again, with the same ids."""


class Lease(msgspec.Struct):
    """`urgent` and `digests`: whether some may be due, as last heard; what comes later rings."""

    lane: int
    owner: UUID
    fence: int
    urgent: bool = True
    digests: bool = True

    @property
    def key(self) -> tuple[int, UUID, int]:
        return self.lane, self.owner, self.fence


class LaneDrain:
    """Drains lanes with one deliverer."""

    def __init__(self, pool: Pool, deliverer: Deliverer) -> None:
        self._pool = pool
        self._deliverer = deliverer
        self._turns = asyncio.Semaphore(BULK_LANES_AT_ONCE)
        self._waiting: set[int] = set()

    async def drain(self, lane: int) -> None:
        """Returns when nothing is due in the lane, or when another worker has it: that one will look again."""
        self._waiting.add(lane)
        try:
            if self._turns.locked():
                await self.drain_urgent(lane)
            async with self._turns:
                self._waiting.discard(lane)
                await self._drain(lane, self._pass)
        finally:
            self._waiting.discard(lane)

    def waits(self, lane: int) -> bool:
        """Whether it waits for its turn, and so will look at all of the lane anyway."""
        return lane in self._waiting

    async def drain_urgent(self, lane: int) -> None:
        """The same for what is urgent, without waiting for a turn."""
        await self._drain(lane, self._send_urgent, urgent_only=True)

    async def _drain(self, lane: int, run: Callable[[Lease], Awaitable[bool]], *, urgent_only: bool = False) -> None:
        if self._deliverer.paused_s() or self._deliverer.stopping:
            return
        owner = uuid4()
        row = await self._pool.fetchrow(LANE["take"], lane, owner, LEASE, urgent_only)
        if row is None or not row["taken"]:
            return
        lease = Lease(lane, owner, row["fence"], row["urgent"], row["digests"])
        rung, released = row["rung"], False
        try:
            while await run(lease):
                released = await self._pool.fetchval(LANE["release"], *lease.key, rung) is not None
                if released:
                    return
                # Rung during the pass: what came in then may lie before the place where it was read.
                rung = await self._pool.fetchval(LANE["renew"], *lease.key, LEASE)
                if rung is None:
                    return
                lease.urgent = lease.digests = True
        except LeaseLostError:
            log.warning("lane_lost", lane=lane)
        finally:
            if not released:
                with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                    await self._pool.fetchval(LANE["release"], *lease.key, None)

    async def _pass(self, lease: Lease) -> bool:
        """Once through the lane, urgent rows before each batch of bulk and of digests. False when told to stop."""
        bulk: Place | None = START
        while bulk is not None or lease.urgent or lease.digests:
            if not await self._send_urgent(lease):
                return False
            if bulk is not None:
                bulk = await self._work(lease, BULK, bulk)
            if lease.digests:
                lease.digests = await self._work_on_digests(lease)
        return True

    async def _send_urgent(self, lease: Lease) -> bool:
        urgent: Place | None = START if lease.urgent else None
        while urgent is not None and not self._deliverer.stopping:
            urgent = await self._work(lease, URGENT, urgent)
        lease.urgent = False
        return not (self._deliverer.stopping or self._deliverer.paused_s())

    async def _work(self, lease: Lease, lane_class: int, after: Place) -> Place | None:
        """One batch. The place to read on from; None at the end of the class."""
        limit = min(BATCH, self._deliverer.rows[lane_class])
        reading = self._pool.fetch(LANE["read"], lease.lane, lane_class, *after, limit)
        rows = await self._hold(lease, lane_class, reading)
        if not rows:
            return None
        whole = without_a_cut_cause(rows, limit)
        notifications = gather(whole, await read_shown(self._pool, whole)).values()
        settlement = await self._hold(lease, lane_class, self._deliverer.deliver(notifications, lane_class))
        due = await self._settle(lease, settlement)
        if lane_class == BULK:  # of its own class a settlement knows only what there was before
            lease.urgent, lease.digests = due["urgent"], due["digests"]
        if settlement.left:
            return after  # no permit: again from here, once urgent rows have been looked at
        full = len({(row["participant_id"], row["seq"]) for row in rows}) == limit
        return (whole[-1]["participant_id"], whole[-1]["seq"]) if full else None

    async def _work_on_digests(self, lease: Lease) -> bool:
        """One batch of what has rested long enough. False when none is left."""
        reading = self._pool.fetch(DIGEST["due"], lease.lane, min(BATCH, self._deliverer.rows[RESTING]))
        rows = await self._hold(lease, RESTING, reading)
        people = gather_digests(rows)
        if people:
            settlement = await self._hold(lease, RESTING, self._deliverer.deliver(people.values(), RESTING))
            note_every_cause(settlement, people)
            await self._settle(lease, settlement)
        return bool(people)

    async def _settle(self, lease: Lease, settlement: Settlement) -> Row:
        await keep_within_bounds(self._pool, settlement)
        if settlement.resting:
            await self._pool.execute(DIGEST["rest"], lease.lane, settlement.resting)
        due = await self._pool.fetchrow(LANE["settle"], *lease.key, LEASE, *settlement.as_arguments())
        if due is None:
            raise LeaseLostError
        return due

    async def _hold(self, lease: Lease, lane_class: int, work: Coroutine[Any, Any, T]) -> T:
        """Renews the lease for as long as a batch is read or sent; sends what became urgent meanwhile."""
        task = asyncio.create_task(work)
        try:
            while not (await asyncio.wait({task}, timeout=RENEW_EVERY_S))[0]:
                with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                    # A database that is away takes no lane from us either; the fence decides when it is back.
                    if await self._pool.fetchval(LANE["renew"], *lease.key, LEASE) is None:
                        raise LeaseLostError
                    if lane_class != URGENT:
                        lease.urgent = True
                        await self._send_urgent(lease)
            return task.result()
        finally:
            task.cancel()
