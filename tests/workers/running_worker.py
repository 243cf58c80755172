"""A worker in its own process, as `make run` and production start it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import DATA_KEYS, RECEIPT_KEYS, SECRET, Database
from tests.local.running_simulator import RunningSimulator


def worker_environment(database: Database, redis_url: str, simulator: RunningSimulator) -> dict[str, str]:
    """All settings of a worker, as environment variables."""
    return {
        **os.environ,
        "SEPAKAT_ENV": "local",
        "SEPAKAT_DATABASE_URL": database.url("sepakat_worker"),
        "SEPAKAT_REDIS_URL": redis_url,
        "SEPAKAT_SECRET": SECRET,
        "SEPAKAT_RECEIPT_KEYS": RECEIPT_KEYS,
        "SEPAKAT_DATA_KEYS": DATA_KEYS,
        "SEPAKAT_FCM_BASE_URL": simulator.base_url,
        "SEPAKAT_FCM_CREDENTIALS": str(simulator.credentials),
        "SEPAKAT_HMS_BASE_URL": simulator.base_url,
        "SEPAKAT_HMS_TOKEN_URL": simulator.hms_token_url,
        "SEPAKAT_HMS_CREDENTIALS": str(simulator.hms_credentials),
        "SEPAKAT_SMS_URL": f"{simulator.base_url}/sms",
        "SEPAKAT_SMTP_URL": f"smtp://127.0.0.1:{simulator.smtp_port}",
        "SEPAKAT_MAIL_FROM": "Sepakat <tidak-dibalas@sepakat.example>",
    }


class RunningWorker:
    def __init__(self, database: Database, redis_url: str, simulator: RunningSimulator, log: Path) -> None:
        self.environment = worker_environment(database, redis_url, simulator)
        self.log = log
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "workers.main"], env=self.environment, stdout=output, stderr=output
            )

    def kill(self) -> None:
        """Gives it no time for anything."""
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> int:
        """Asks it to end; its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(15)

    def said(self, word: str) -> bool:
        return word in self.log.read_text()


@contextmanager
def run_worker(database: Database, redis_url: str, simulator: RunningSimulator, log: Path) -> Iterator[RunningWorker]:
    """One worker for as long as the block lasts."""
    worker = RunningWorker(database, redis_url, simulator, log)
    try:
        yield worker
    finally:
        if worker.process.poll() is None:
            worker.kill()


async def eventually(holds: Callable[[], Awaitable[bool]], within_s: float, what: str) -> float:
    """Waits until it holds; the seconds that it took."""
    started = time.monotonic()
    while time.monotonic() - started < within_s:
        if await holds():
            return time.monotonic() - started
        await asyncio.sleep(0.02)
    pytest.fail(f"not within {within_s} s: {what}")
