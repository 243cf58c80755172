"""The other end of the doorbell: wakes the live streams of this process, over one connection to Valkey for all.

A wake is a hint. While Valkey is away streams look by themselves, and once it is back everybody is woken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from uuid import UUID

import structlog
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from app.platform.jobs import wake_channel

log = structlog.get_logger()

AGAIN_AFTER_S = 1.0
# There is always one subscription, so that the connection is read from before the first stream comes.
ANCHOR = "sepakat:wake"


class Wakes:
    """Opened by the first listener. `close()` it at the end."""

    def __init__(self, url: str, secret: str) -> None:
        self._url, self._secret = url, secret
        self._listeners: dict[str, set[asyncio.Event]] = {}
        self._pubsub: PubSub | None = None
        self._reading: asyncio.Task[None] | None = None
        self._telling: set[asyncio.Task[None]] = set()

    @contextmanager
    def listen(self, participant_id: UUID) -> Iterator[asyncio.Event]:
        """An event that is set whenever this participant has new history; the listener clears it."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
        channel, woken = wake_channel(self._secret, participant_id), asyncio.Event()
        listeners = self._listeners.setdefault(channel, set())
        listeners.add(woken)
        if len(listeners) == 1:
            self._tell(channel)
        try:
            yield woken
        finally:
            listeners.discard(woken)
            if not listeners and self._listeners.get(channel) is listeners:
                del self._listeners[channel]
                self._tell(channel)

    @property
    def channels(self) -> int:
        """How many participants are listened to."""
        return len(self._listeners)

    async def close(self) -> None:
        for task in (self._reading, *self._telling):
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    def _tell(self, channel: str) -> None:
        task = asyncio.create_task(self._subscribe_or_not(channel))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _subscribe_or_not(self, channel: str) -> None:
        if self._pubsub is None:
            return  # all that is listened to is subscribed when the connection stands
        # A broken connection is noticed and mended by the reader.
        with suppress(RedisError, OSError, RuntimeError):
            if channel in self._listeners:
                await self._pubsub.subscribe(channel)
            else:
                await self._pubsub.unsubscribe(channel)

    async def _read(self) -> None:
        while True:
            redis: Redis = Redis.from_url(self._url, socket_connect_timeout=1, socket_keepalive=True)
            try:
                async with redis.pubsub(ignore_subscribe_messages=True) as pubsub:
                    await self._follow(pubsub)
            except (RedisError, OSError) as error:
                log.warning("wakes_are_deaf", error=type(error).__name__)
            finally:
                self._pubsub = None
                await redis.aclose()
            await asyncio.sleep(AGAIN_AFTER_S)

    async def _follow(self, pubsub: PubSub) -> None:
        await pubsub.subscribe(ANCHOR)
        self._pubsub = pubsub  # whoever comes from here on subscribes for itself
        before = list(self._listeners)
        if before:
            await pubsub.subscribe(*before)
        for channel in before:
            self._wake(channel)  # what was rung meanwhile was not heard
        while True:
            message = await pubsub.get_message(timeout=None)
            if message is not None:
                self._wake(message["channel"].decode())

    def _wake(self, channel: str) -> None:
        for woken in self._listeners.get(channel, ()):
            woken.set()
