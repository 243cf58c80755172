"""Three worker processes and a backlog at a quota scaled down: never above it, near it, urgent first, and quiet when told.

PACE_MINUTE_S is how long a minute of the quota is here, and how long the speed takes to grow.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from app.local.servers import Valkey
from app.platform.jobs import Doorbell, Jobs
from tests.conftest import SECRET, Database
from tests.local.running_simulator import RunningSimulator
from tests.notifications.changes import post_contribution, post_contributions
from tests.workers.conftest import AddReachable, Outbox, Reachable, add_reachable, outbox
from tests.workers.running_worker import RunningWorker, eventually, run_worker

__all__ = ["add_reachable", "outbox"]  # fixtures

MINUTE_S = float(os.environ.get("PACE_MINUTE_S", "10"))
PROCESSES = 3
QUOTA = 600
PEOPLE = 40
TIMES = 40  # pushes to each: below what one phone gets in a minute
URGENT_WITHIN_S = 3.0
UNDER_WAY_S = 0.5  # what had left when the refusal came

pytestmark = pytest.mark.timeout(240 + 8 * MINUTE_S)


@pytest.fixture
def start_workers(
    fresh_database: Database,
    own_valkey: Valkey,
    simulator: RunningSimulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[[], list[RunningWorker]]]:
    monkeypatch.setenv("SEPAKAT_PUSH_QUOTA_PER_MINUTE", str(QUOTA))
    monkeypatch.setenv("SEPAKAT_PUSH_MINUTE_S", str(MINUTE_S))
    monkeypatch.setenv("SEPAKAT_PUSH_QUARTER_HOUR_S", "0")
    with ExitStack() as stack:
        yield lambda: [
            stack.enter_context(
                run_worker(fresh_database, own_valkey.url, simulator, tmp_path / f"worker-{number}.log")
            )
            for number in range(PROCESSES)
        ]


async def ring(bell: Jobs, reachable: Reachable) -> None:
    doorbell = Doorbell()
    doorbell.ring(reachable.person.participant_id, reachable.lane)
    await bell.ring(doorbell)


async def test_processes_keep_to_the_quota_together(
    fresh_database: Database,
    add_reachable: AddReachable,
    own_valkey: Valkey,
    simulator: RunningSimulator,
    outbox: Outbox,
    start_workers: Callable[[], list[RunningWorker]],
) -> None:
    people = [await add_reachable() for _ in range(PEOPLE)]
    probes = [await add_reachable() for _ in range(4)]
    await post_contributions(fresh_database, [one.person for one in people], times=TIMES, bulk=True)
    simulator.set_quota(QUOTA, MINUTE_S)
    workers = start_workers()

    async def begun() -> bool:
        return all(worker.said("worker_runs") for worker in workers) and simulator.quota()["most"] > 0

    await eventually(begun, 90, "bulk has begun")
    took: list[float] = []
    ends = time.monotonic() + 2.1 * MINUTE_S
    bell = Jobs(own_valkey.url, SECRET)
    while time.monotonic() < ends:
        took.append(await _tell(fresh_database, bell, outbox, probes[len(took) % len(probes)]))
        await asyncio.sleep(MINUTE_S / 60)
    await bell.close()
    counted = simulator.quota()
    print(f"{counted}, urgent: slowest {max(took):.2f} s of {len(took)}")  # noqa: T201
    assert await outbox.waiting() > 0, "there was enough to send all the time"
    assert counted["refused"] == 0
    assert counted["most"] <= QUOTA
    assert counted["last"] >= 0.7 * QUOTA
    assert max(took) <= URGENT_WITHIN_S

    # FCM takes less all of a sudden, and says from when on it takes any.
    simulator.set_quota(QUOTA // 10, MINUTE_S)
    await asyncio.sleep(MINUTE_S)
    counted = simulator.quota()
    print(counted)  # noqa: T201
    assert counted["refused"] > 0
    assert counted["latest_early_s"] <= UNDER_WAY_S, "nobody sends before the Retry-After that anybody was given"
    simulator.set_quota(None)
    assert [worker.stop() for worker in workers] == [0] * PROCESSES
    states = {delivery["state"] for delivery in await outbox.deliveries()}
    assert states <= {"accepted", "waiting"}, "nothing was given up"


async def _tell(database: Database, bell: Jobs, outbox: Outbox, probe: Reachable) -> float:
    """Seconds from the commit of something urgent to the provider's yes."""
    await post_contribution(database, probe.person)
    await ring(bell, probe)

    async def accepted() -> bool:
        return not await outbox.connection.fetchval(
            "SELECT count(*) FROM outbox WHERE participant_id = $1", probe.person.participant_id
        )

    return await eventually(accepted, 20, "an urgent push is accepted")
