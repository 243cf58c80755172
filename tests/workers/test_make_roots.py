"""The worker process makes the hourly root by itself, and does not start without the keys to sign it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from app.local.servers import Postgres, Valkey
from tests.conftest import Database
from tests.local.running_simulator import RunningSimulator
from tests.people import add_person
from tests.workers.running_worker import RunningWorker, eventually, run_worker

WITHIN_S = 20.0


async def test_a_worker_makes_a_root_when_none_is_an_hour_young(
    fresh_database: Database, servers: tuple[Postgres, Valkey], simulator: RunningSimulator, tmp_path: Path
) -> None:
    await add_person(fresh_database)
    connection = await fresh_database.connect()

    async def roots() -> int:
        count: int = await connection.fetchval("SELECT count(*) FROM history_roots")
        return count

    # A second start within the hour looks, and makes none.
    for start, (ahead_h, expected) in enumerate([(0, 1), (0, 1), (1, 2)]):
        await connection.execute("UPDATE local_clock SET ahead = ahead + make_interval(hours => $1)", ahead_h)
        with run_worker(fresh_database, servers[1].url, simulator, tmp_path / f"{start}.log") as worker:

            async def looked(worker: RunningWorker = worker, expected: int = expected) -> bool:
                return worker.said("swept") and await roots() >= expected

            await eventually(looked, WITHIN_S, f"{expected} roots")
            assert worker.stop() == 0, "it lets what is under way come to an end"
        assert await roots() == expected
    await connection.close()


def test_a_worker_without_keys_says_what_to_do_and_ends(
    fresh_database: Database, servers: tuple[Postgres, Valkey], simulator: RunningSimulator, tmp_path: Path
) -> None:
    with run_worker(fresh_database, servers[1].url, simulator, tmp_path / "worker.log") as worker:
        environment = {**worker.environment, "SEPAKAT_RECEIPT_KEYS": ""}
    done = subprocess.run(
        [sys.executable, "-m", "workers.main"], env=environment, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 1
    assert "SEPAKAT_RECEIPT_KEYS is not set: `sepakat keys add FILE`" in done.stderr
