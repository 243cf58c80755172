"""The worker process: `python -m workers.main`. Starts without PostgreSQL and Valkey, and outlives their restarts."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import Callable
from contextlib import suppress

import asyncpg
import structlog

from app.merges.undo_seal import keep_undo_seal
from app.platform import logs
from app.platform.database import Pool, connect
from app.platform.mail import open_mail
from app.platform.sealing import read_sealer
from app.platform.signing import read_signing_keys
from app.settings import Settings, SettingsError, read
from workers.listen import listen
from workers.sweep import sweep
from workers.work import Work

log = structlog.get_logger()

CONNECT_AGAIN_AFTER_S = 1.0
CLOSE_WITHIN_S = 2.0
GARBAGE_AFTER = 20_000  # objects: as many as a few batches hold


async def run(settings: Settings) -> None:
    """Works until SIGTERM or SIGINT, then lets what is under way come to an end."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    pool = await _connect(settings, stop)
    if pool is None:
        return
    work = Work(settings, pool)
    tasks = [asyncio.create_task(listen(settings.redis_url, work)), asyncio.create_task(sweep(pool, work))]
    stopped = asyncio.create_task(stop.wait())
    log.info("worker_runs")
    done, _ = await asyncio.wait({*tasks, stopped}, return_when=asyncio.FIRST_COMPLETED)
    for task in (*tasks, stopped):
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await work.close()
    await _close(pool)
    for task in done - {stopped}:
        task.result()  # neither ends by itself: whatever broke it ends the process, and the supervisor starts another


async def _connect(settings: Settings, stop: asyncio.Event) -> Pool | None:
    """The pool, as soon as the database answers; None when told to stop before."""
    while not stop.is_set():
        try:
            return await _connect_once(settings)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            log.warning("worker_waits_for_the_database", error=type(error).__name__)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), CONNECT_AGAIN_AFTER_S)
    return None


async def _connect_once(settings: Settings) -> Pool:
    """The pool of a database that knows this process's secret, or whatever error the database gave."""
    pool = await connect(settings.database_url, size=settings.pool_size, application="worker")
    try:
        await keep_undo_seal(pool, settings.secret)
    except BaseException:
        pool.terminate()
        raise
    return pool


async def _close(pool: Pool) -> None:
    try:
        async with asyncio.timeout(CLOSE_WITHIN_S):
            await pool.close()
    except TimeoutError:
        pool.terminate()


def main() -> None:
    try:
        settings = read()
        logs.configure(settings.secret)
        sys.excepthook = logs.tell_of_the_end
        read_signing_keys(settings.receipt_keys)
        open_mail(settings)
        read_sealer(settings.data_keys)
    except SettingsError as error:
        sys.exit(str(error))
    # uvloop is not there on every platform.
    try:
        import uvloop

        new_loop: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    except ImportError:
        new_loop = asyncio.new_event_loop
    # What was imported stays, and a batch makes thousands of objects that end with it: both are not worth looking through.
    gc.freeze()
    gc.set_threshold(GARBAGE_AFTER)
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(run(settings))


if __name__ == "__main__":
    main()
