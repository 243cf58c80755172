"""The other end of the doorbell: wakes the live streams of this process, over one connection to Valkey for all.

A wake is a hint. While Valkey is away streams look by themselves, and once it is back everybody is woken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from uuid import UUID

import structlog
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from app.platform.jobs import CROWD, wake_channel

log = structlog.get_logger()

AGAIN_AFTER_S = 1.0
Wake = Callable[[], None]


class Wakes:
    """Opened by the first listener. `close()` it at the end."""

    def __init__(self, url: str, secret: str) -> None:
        self._url, self._secret = url, secret
        self._listeners: dict[str, set[Wake]] = {}
        self._pubsub: PubSub | None = None
        self._reading: asyncio.Task[None] | None = None
        self._telling: asyncio.Task[None] | None = None
        self._untold: set[str] = set()

    @contextmanager
    def listen(self, participant_id: UUID, wake: Wake) -> Iterator[None]:
        """Calls `wake` whenever this participant has new history."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
        channel = wake_channel(self._secret, participant_id)
        listeners = self._listeners.setdefault(channel, set())
        listeners.add(wake)
        if len(listeners) == 1:
            self._tell(channel)
        try:
            yield
        finally:
            listeners.discard(wake)
            if not listeners and self._listeners.get(channel) is listeners:
                del self._listeners[channel]
                self._tell(channel)

    @property
    def channels(self) -> int:
        """How many participants are listened to."""
        return len(self._listeners)

    async def close(self) -> None:
        for task in (self._reading, self._telling):
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    def _tell(self, channel: str) -> None:
        """Thousands that come at once are told in a few commands."""
        self._untold.add(channel)
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._subscribe_or_not())

    async def _subscribe_or_not(self) -> None:
        while self._untold:
            channels, self._untold = self._untold, set()
            if self._pubsub is None:
                return  # all that is listened to is subscribed when the connection stands
            wanted = [channel for channel in channels if channel in self._listeners]
            unwanted = [channel for channel in channels if channel not in self._listeners]
            # A broken connection is noticed and mended by the reader.
            with suppress(RedisError, OSError, RuntimeError):
                if wanted:
                    await self._pubsub.subscribe(*wanted)
                if unwanted:
                    await self._pubsub.unsubscribe(*unwanted)

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
        await pubsub.subscribe(CROWD)  # always: so that the connection is read from before the first stream comes
        self._pubsub = pubsub  # whoever comes from here on subscribes for itself
        before = list(self._listeners)
        if before:
            await pubsub.subscribe(*before)
        for channel in before:
            self._wake(channel)  # what was rung meanwhile was not heard
        while True:
            message = await pubsub.get_message(timeout=None)
            if message is None:
                continue
            channel = message["channel"].decode()
            for name in message["data"].decode().split() if channel == CROWD else [channel]:
                self._wake(name)

    def _wake(self, channel: str) -> None:
        for wake in self._listeners.get(channel, ()):
            wake()
