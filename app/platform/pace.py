"""How fast pushes go to one provider, the same over all processes: one Lua script in Valkey gives permits to whole batches.

A permit is good for a second, and of one push. Urgent ones come first, the speed grows after idle, and no device gets more
than it may in a minute. While Valkey is away each process keeps to a small share of its own; a flushed one begins slowly.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError

from app.platform.pace_alone import PaceAlone
from app.settings import Settings

log = structlog.get_logger()

FOLDER = Path(__file__).parent
TAKE = (FOLDER / "pace.lua").read_text(encoding="utf-8")
HOLD = (FOLDER / "pace_hold.lua").read_text(encoding="utf-8")
CONNECTIONS = 16
ANSWER_WITHIN_S = 1.0
AGAIN_AFTER_S = 1.0
SHARE = 0.95  # of the quota, in any sliding minute
BURST = 0.05  # of the quota: how much a full bucket holds
SLOWEST = 0.1  # of the speed, after idle
RESERVE = 0.2  # of the bucket, which bulk leaves to urgent
QUARTER_COST = 4  # what a permit for bulk takes around :00, :15, :30 and :45
STALE_S = 1.0  # a permit that nobody used by then is worth nothing
LATE_S = 1.0  # how long after its permit's end a push may still arrive
WAIT_S = 1.0  # a batch without permits is left after that, so that urgent rows are looked at
SHORTEST_WAIT_S = 0.01
IN_HAND_S = 0.5  # permits for bulk that a process takes ahead of what it sends
FEWEST_IN_HAND = 50

Send = tuple[UUID, UUID]
"""A push as the caller knows it: what it is about, and the device."""


class Pacing(msgspec.Struct, frozen=True):
    """What a provider takes: `quota` pushes in any `minute_s` seconds, `device_limit` in a minute for one device."""

    quota: float
    device_limit: int = 80
    quarter_s: float = 0.0
    minute_s: float = 60.0

    @property
    def capacity(self) -> float:
        return self.quota * BURST

    @property
    def speed(self) -> float:
        """Permits a second at most: with a full bucket before, and all late, they still are less than the quota."""
        return (self.quota * SHARE - self.capacity) / (self.minute_s + STALE_S + LATE_S)


def read_pacing(settings: Settings) -> Pacing:
    return Pacing(
        settings.push_quota_per_minute,
        settings.push_device_limit,
        settings.push_quarter_hour_s,
        settings.push_minute_s,
    )


class Grant:
    """Permits for a batch: `may_go(send)` before each push, `end()` when the batch is through."""

    def __init__(self, pace: Pace, allowed: set[Send], full: set[Send], until: float, full_s: float) -> None:
        self.full, self.full_s = full, full_s  # whose device is at its limit, and the seconds until it no longer is
        self.decided = len(allowed) + len(full)
        self._pace, self._allowed, self._until = pace, allowed, until

    def may_go(self, send: Send) -> bool:
        """Uses up its permit. False when there is none, or it came too late."""
        if send not in self._allowed or time.monotonic() >= self._until:
            return False
        self._allowed.discard(send)
        self._pace.used(1)
        return True

    def end(self) -> None:
        self._pace.returned(len(self._allowed))
        self._allowed.clear()


class Pace:
    """The bucket of one provider, as one process sees it. `on_hold` hears of each wait that a provider asked anybody for."""

    def __init__(self, provider: str, url: str, secret: str, pacing: Pacing) -> None:
        self.on_hold: Callable[[float], None] = lambda _: None
        self._provider, self._url, self._pacing = provider, url, pacing
        self._keys = [f"sepakat:pace:{provider}", f"sepakat:pace:{provider}:devices:"]
        self._channel = f"sepakat:pace:{provider}:hold"
        self._pseudonyms = blake2b(secret.encode(), digest_size=32, person=b"sepakat pace").digest()
        pool: Any = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=ANSWER_WITHIN_S,
            socket_timeout=ANSWER_WITHIN_S,
            socket_connect_timeout=ANSWER_WITHIN_S,
        )
        self._redis: Redis = Redis.from_pool(pool)
        self._take = self._redis.register_script(TAKE)
        self._hold = self._redis.register_script(HOLD)
        self._alone = PaceAlone(pacing.quota / pacing.minute_s, RESERVE)
        self._away_until: float | None = None
        self._bulk = asyncio.Lock()  # one batch of bulk of this process waits for permits, the others behind it
        self._in_hand = 0
        self._used, self._used_since, self._sends_a_second = 0, time.monotonic(), 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._listening: asyncio.Task[None] | None = None

    async def take(self, sends: Sequence[Send], *, urgent: bool) -> Grant:
        """Permits for the first of these, at least one when it can be had within a second. Bulk waits behind urgent."""
        if self._listening is None:
            self._listening = asyncio.create_task(self._listen())
        deadline = time.monotonic() + WAIT_S
        if urgent:
            return await self._wait_for(sends, deadline, urgent=True)
        try:
            async with asyncio.timeout(WAIT_S):
                await self._bulk.acquire()
        except TimeoutError:
            return self._nothing()
        try:
            return await self._wait_for(sends, deadline, urgent=False)
        finally:
            self._bulk.release()

    def hold(self, for_s: float) -> None:
        """Soon no process sends before that time: the provider asked for it."""
        self._begin(self._tell_hold(for_s))

    def used(self, pushes: int) -> None:
        self._used += pushes
        self._in_hand -= pushes

    def returned(self, permits: int) -> None:
        self._in_hand -= permits

    async def close(self) -> None:
        tasks = [task for task in (self._listening, *self._tasks) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with suppress(RedisError, OSError):
            await self._redis.aclose(close_connection_pool=True)

    def _nothing(self) -> Grant:
        return Grant(self, set(), set(), 0.0, 0.0)

    async def _wait_for(self, sends: Sequence[Send], deadline: float, *, urgent: bool) -> Grant:
        while True:
            room = len(sends) if urgent else min(len(sends), self._room())
            wait_s = SHORTEST_WAIT_S
            if room > 0:
                answer = await self._ask(sends[:room], urgent=urgent)
                if isinstance(answer, Grant):
                    return answer
                wait_s = max(answer, SHORTEST_WAIT_S)
            if time.monotonic() + wait_s >= deadline:
                await asyncio.sleep(max(0.0, deadline - time.monotonic()))
                return self._nothing()
            await asyncio.sleep(wait_s)

    def _room(self) -> int:
        """How many permits for bulk this process can use before they are stale, as fast as it sends just now."""
        now = time.monotonic()
        if now - self._used_since >= IN_HAND_S:
            self._sends_a_second = self._used / (now - self._used_since)
            self._used, self._used_since = 0, now
        return max(FEWEST_IN_HAND, round(self._sends_a_second * IN_HAND_S)) - self._in_hand

    async def _ask(self, sends: Sequence[Send], *, urgent: bool) -> Grant | float:
        """A grant, or the seconds after which there may be one."""
        asked_at = time.monotonic()
        if self._away_until is not None and asked_at < self._away_until:
            return self._ask_alone(sends, urgent=urgent)
        try:
            decided, wait_ms, held_ms, minute_ms, *full = await self._take(
                keys=self._keys, args=self._args(sends, urgent)
            )
        except (RedisError, OSError, TimeoutError) as error:
            if self._away_until is None:
                log.warning("pace_is_alone", provider=self._provider, error=type(error).__name__)
            self._away_until = time.monotonic() + AGAIN_AFTER_S
            return self._ask_alone(sends, urgent=urgent)
        if self._away_until is not None:
            self._away_until = None
            log.info("pace_is_shared", provider=self._provider)
        if held_ms:
            self.on_hold(held_ms / 1000)
            return self._nothing()
        if not decided:
            return float(wait_ms / 1000)
        at_limit = {sends[index - 1] for index in full}
        return self._grant(set(sends[:decided]) - at_limit, at_limit, asked_at + STALE_S, minute_ms / 1000)

    def _ask_alone(self, sends: Sequence[Send], *, urgent: bool) -> Grant | float:
        permits, wait_s = self._alone.take(len(sends), urgent=urgent)
        if not permits:
            return wait_s
        return self._grant(set(sends[:permits]), set(), time.monotonic() + STALE_S, 0.0)

    def _grant(self, allowed: set[Send], full: set[Send], until: float, full_s: float) -> Grant:
        self._in_hand += len(allowed)
        return Grant(self, allowed, full, until, full_s)

    def _args(self, sends: Sequence[Send], urgent: bool) -> list[Any]:
        pacing, key = self._pacing, self._pseudonyms
        return [
            "urgent" if urgent else "bulk",
            pacing.speed,
            pacing.capacity,
            SLOWEST,
            RESERVE,
            pacing.minute_s,
            pacing.quarter_s,
            QUARTER_COST,
            pacing.device_limit,
            *(blake2b(device_id.bytes, key=key, digest_size=8).digest() for _, device_id in sends),
        ]

    async def _tell_hold(self, for_s: float) -> None:
        with suppress(RedisError, OSError, TimeoutError):
            await self._hold(keys=self._keys[:1], args=[round(for_s * 1000), self._channel])

    async def _listen(self) -> None:
        """Hears of waits at once, for the permits in hand; while it is deaf the next take hears of them."""
        while True:
            redis: Redis = Redis.from_url(self._url, socket_connect_timeout=1, socket_keepalive=True)
            try:
                async with redis.pubsub(ignore_subscribe_messages=True) as pubsub:
                    await pubsub.subscribe(self._channel)
                    while True:
                        message = await pubsub.get_message(timeout=None)
                        if message is not None:
                            self.on_hold(int(message["data"]) / 1000)
            except (RedisError, OSError) as error:
                log.warning("pace_is_deaf", provider=self._provider, error=type(error).__name__)
            finally:
                await redis.aclose()
            await asyncio.sleep(AGAIN_AFTER_S)

    def _begin(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
