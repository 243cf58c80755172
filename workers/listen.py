"""Takes jobs from arq. A job only rings here and is done at once: what it means is found in PostgreSQL.

So no job waits for a slow one, none is lost with a killed worker, and arq needs no time-out or retry of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

import structlog
from arq import func
from arq.connections import ArqRedis
from arq.worker import Function, Worker
from redis.exceptions import RedisError

from app.platform.jobs import QUEUE, decode_job, encode_job, redis_settings
from workers.work import Work

if TYPE_CHECKING:
    from arq.typing import WorkerCoroutine

log = structlog.get_logger()

POLL_S = 0.03
JOBS_AT_ONCE = 100
AGAIN_AFTER_S = 1.0
CLOSE_WITHIN_S = 2.0


async def listen(url: str, work: Work) -> None:
    """Until cancelled. While Valkey is away the sweep finds the work; this comes back when Valkey does."""
    while True:
        worker = _make_worker(url, work)
        try:
            await worker.async_run()
        except (RedisError, OSError) as error:
            log.warning("worker_hears_no_rings", error=type(error).__name__)
        finally:
            await _close(worker)
        await asyncio.sleep(AGAIN_AFTER_S)


def _make_worker(url: str, work: Work) -> Worker:
    return Worker(
        functions=[
            _job("drain_lane", work.ring_lane),
            _job("settle_merges", work.ring_merges),
            _job("send_codes", work.ring_codes),
            _job("climb_ladder", work.ring_ladder),
        ],
        queue_name=QUEUE,
        redis_settings=redis_settings(url),
        job_serializer=encode_job,
        job_deserializer=decode_job,
        poll_delay=POLL_S,
        queue_read_limit=JOBS_AT_ONCE,
        max_jobs=JOBS_AT_ONCE,
        job_timeout=5,
        max_tries=1,
        keep_result=0,
        log_results=False,
        handle_signals=False,
    )


def _job(name: str, ring: Callable[..., None]) -> Function:
    async def run(_: dict[Any, Any], *arguments: Any) -> None:
        ring(*arguments)

    return func(cast("WorkerCoroutine", run), name=name)


async def _close(worker: Worker) -> None:
    # arq's own close raises when Valkey is away.
    for task in worker.tasks.values():
        task.cancel()
    await asyncio.gather(*worker.tasks.values(), return_exceptions=True)
    redis: ArqRedis | None = worker.ctx.get("redis")
    if redis is not None:
        with suppress(RedisError, OSError, TimeoutError):
            async with asyncio.timeout(CLOSE_WITHIN_S):
                await redis.aclose(close_connection_pool=True)
