"""Workers that start at once, because they are forked from a process that has imported everything already.

Starting Python and importing costs more than a second of processor time: who kills a worker every half second would measure
that and nothing else. What runs after the fork is `workers.main` as everywhere, in a process, session and connections of
its own.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from tests.conftest import Database
from tests.local.running_simulator import RunningSimulator
from tests.prove.forked_main import work
from tests.workers.running_worker import worker_environment

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([work.__module__])


class ForkedWorker:
    """`name` is new with every start; the database knows it as the setting `prove.worker` of its connections."""

    def __init__(self, number: int, database: Database, environment: dict[str, str], log: Path) -> None:
        self._number = number
        self._starts = 0
        self._url = database.url("sepakat_worker")
        self._environment = environment
        self.log = log
        self.start()

    @property
    def name(self) -> str:
        return f"{self._number}.{self._starts}"

    def start(self) -> None:
        self._starts += 1
        named = {**self._environment, "SEPAKAT_DATABASE_URL": f"{self._url}&options=-c%20prove.worker%3D{self.name}"}
        self._process: ForkServerProcess = _FORKS.Process(target=work, args=(named, str(self.log)), daemon=True)
        self._process.start()

    def signal(self, number: signal.Signals) -> None:
        os.kill(self._process.pid or 0, number)

    def kill(self) -> None:
        """Gives it no time for anything, and returns when it is gone."""
        self._process.kill()
        self._process.join(10)
        assert self._process.exitcode == -signal.SIGKILL, f"it had ended by itself: {self._process.exitcode}"

    def running(self) -> bool:
        return self._process.is_alive()

    def said(self, word: str) -> int:
        """How often the word is in its log."""
        return self.log.read_text().count(word)


@contextmanager
def run_workers(
    count: int, database: Database, redis_url: str, simulator: RunningSimulator, folder: Path, **changed: str
) -> Iterator[list[ForkedWorker]]:
    """So many workers for as long as the block lasts; `changed` are settings other than usual."""
    # Doubles count too: what a phone may get in a minute is proven elsewhere, and would hold rows up here.
    environment = (
        worker_environment(database, redis_url, simulator) | {"SEPAKAT_PUSH_DEVICE_LIMIT": "1000000"} | changed
    )
    workers: list[ForkedWorker] = []
    try:
        workers += [
            ForkedWorker(number, database, environment, folder / f"worker-{number}.log") for number in range(count)
        ]
        yield workers
    finally:
        for worker in workers:
            if worker.running():
                worker.kill()
