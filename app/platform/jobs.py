"""The doorbell: tells workers and live streams that there is something to look at. Jobs carry no data.

Nobody is named in Valkey: lanes are numbers, and who is woken is a keyed pseudonym. PostgreSQL is the truth: if Valkey is
away or flushed, the sweep finds the work a little later; nothing is lost and no request fails.
"""

from __future__ import annotations

import asyncio
from uuid import UUID

import msgspec
import structlog
from arq import ArqRedis, create_pool
from arq.connections import RedisSettings
from redis.exceptions import RedisError

from app.platform.pseudonyms import pseudonym

log = structlog.get_logger()

RING_TIMEOUT_S = 2.0
QUEUE = "sepakat:jobs"
CROWD = "sepakat:wake"  # the channel on which all processes hear of many at once: the names of their channels
CROWD_FROM = 16
CROWD_AT_ONCE = 1000
# arq would pickle: whoever can write to Valkey could then run code here.
encode_job = msgspec.json.encode
decode_job = msgspec.json.decode


def redis_settings(url: str) -> RedisSettings:
    """Connection settings for arq; short timeouts, because a doorbell that does not answer is left alone."""
    settings = RedisSettings.from_dsn(url)
    settings.conn_timeout = 1
    settings.conn_retries = 1
    settings.conn_retry_delay = 1
    return settings


def wake_channel(secret: str, participant_id: UUID) -> str:
    """The pub/sub channel on which the live streams of one participant are woken."""
    return f"sepakat:wake:{pseudonym(secret, 'wake', str(participant_id))}"


class Doorbell:
    """Collects during a transaction what is to be rung after its commit."""

    def __init__(self) -> None:
        self.lanes: dict[UUID, int] = {}
        self.jobs: set[str] = set()
        self.wakes: set[UUID] = set()

    def ring(self, participant_id: UUID, lane: int) -> None:
        """Somebody has new history: drain the lane, wake the streams."""
        self.lanes[participant_id] = lane
        self.wake(participant_id)

    def wake(self, participant_id: UUID) -> None:
        """Something for somebody's streams, and nothing to send."""
        self.wakes.add(participant_id)

    def ring_job(self, name: str) -> None:
        """A job without a lane, such as `send_codes` or `settle_merges`."""
        self.jobs.add(name)


class Jobs:
    """The connection to Valkey. Opened lazily, so that a start without Valkey succeeds."""

    def __init__(self, url: str, secret: str) -> None:
        self.settings = redis_settings(url)
        self._secret = secret
        self._redis: ArqRedis | None = None
        self._opening = asyncio.Lock()
        self._ringing: set[asyncio.Task[None]] = set()

    async def redis(self) -> ArqRedis:
        """The connection. Raises RedisError or OSError when Valkey is away."""
        async with self._opening:
            if self._redis is None:
                self._redis = await create_pool(
                    self.settings, job_serializer=encode_job, job_deserializer=decode_job, default_queue_name=QUEUE
                )
            return self._redis

    def ring_soon(self, doorbell: Doorbell) -> None:
        """Rings after the commit, in the background: the answer does not wait for Valkey."""
        if doorbell.wakes or doorbell.jobs:
            task = asyncio.create_task(self.ring(doorbell))
            self._ringing.add(task)
            task.add_done_callback(self._ringing.discard)

    async def ring(self, doorbell: Doorbell) -> None:
        """Rings now; failure is logged and left to the sweep."""
        try:
            async with asyncio.timeout(RING_TIMEOUT_S):
                redis = await self.redis()
                for lane in set(doorbell.lanes.values()):
                    await redis.enqueue_job("drain_lane", lane)
                for job in doorbell.jobs:
                    await redis.enqueue_job(job)
                await self._wake(redis, [wake_channel(self._secret, participant) for participant in doorbell.wakes])
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("doorbell_did_not_ring", error=type(error).__name__)

    async def _wake(self, redis: ArqRedis, channels: list[str]) -> None:
        """One message to each, or one to all processes with the names of many."""
        if len(channels) < CROWD_FROM:
            for channel in channels:
                await redis.publish(channel, b"")
            return
        for start in range(0, len(channels), CROWD_AT_ONCE):
            await redis.publish(CROWD, " ".join(channels[start : start + CROWD_AT_ONCE]).encode())

    async def close(self) -> None:
        """Waits for the last rings and closes the connection."""
        if self._ringing:
            await asyncio.wait(self._ringing, timeout=RING_TIMEOUT_S)
        if self._redis is not None:
            await self._redis.aclose()
