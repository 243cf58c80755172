"""The worker as a process: killed, without Valkey, with a flushed one, without its database for a while. Nothing is lost."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid5

import pytest

from app.local.servers import Postgres, Valkey
from app.platform.jobs import Doorbell, Jobs
from tests.conftest import SECRET, Database
from tests.local.running_simulator import RunningSimulator
from tests.notifications.changes import post_contribution, post_contributions
from tests.notifications.restarts import start_again
from tests.workers.conftest import AddReachable, Outbox, Reachable
from tests.workers.running_worker import RunningWorker, eventually, run_worker

START_WITHIN_S = 15.0
# A lane of a killed worker is free after its lease of four seconds.
AFTER_A_KILL_S = 15.0


@pytest.fixture
def worker(
    fresh_database: Database, own_valkey: Valkey, simulator: RunningSimulator, tmp_path: Path
) -> Iterator[RunningWorker]:
    with run_worker(fresh_database, own_valkey.url, simulator, tmp_path / "worker.log") as running:
        yield running


@pytest.fixture
async def bell(own_valkey: Valkey) -> AsyncIterator[Jobs]:
    jobs = Jobs(own_valkey.url, SECRET)
    yield jobs
    await jobs.close()


async def ring(bell: Jobs, reachable: Reachable) -> None:
    doorbell = Doorbell()
    doorbell.ring(reachable.person.participant_id, reachable.lane)
    await bell.ring(doorbell)


async def all_sent(outbox: Outbox, within_s: float) -> float:
    async def empty() -> bool:
        return await outbox.waiting() == 0

    return await eventually(empty, within_s, "everything is sent")


async def heard(worker: RunningWorker) -> None:
    async def running() -> bool:
        return worker.said("worker_runs")

    await eventually(running, START_WITHIN_S, "the worker runs")


async def test_a_ring_is_heard_at_once(
    fresh_database: Database, add_reachable: AddReachable, worker: RunningWorker, outbox: Outbox, bell: Jobs
) -> None:
    dwi = await add_reachable()
    await heard(worker)
    await asyncio.sleep(0.5)
    took = []
    for _ in range(5):
        await post_contribution(fresh_database, dwi.person)
        await ring(bell, dwi)
        took.append(await all_sent(outbox, 5))
    # The sweep alone would need half a second on average.
    assert sorted(took)[2] < 0.3, took
    assert worker.stop() == 0


@pytest.mark.long
async def test_nothing_is_missing_after_a_kill_in_the_middle_of_sending(
    fresh_database: Database,
    add_reachable: AddReachable,
    worker: RunningWorker,
    simulator: RunningSimulator,
    outbox: Outbox,
) -> None:
    worker.kill()
    people = [await add_reachable() for _ in range(20)]
    for reachable in people:
        simulator.script(reachable.value, *({"delay_s": 0.3} for _ in range(5)))
    await post_contributions(fresh_database, [reachable.person for reachable in people], times=5)
    expected = {
        str(uuid5(row["cause_id"], str(next(iter(reachable.devices.values())))))
        for reachable in people
        for row in await outbox.connection.fetch(
            "SELECT DISTINCT cause_id FROM outbox WHERE participant_id = $1", reachable.person.participant_id
        )
    }
    assert len(expected) == 100

    def sent() -> list[str]:
        mine = {reachable.value for reachable in people}
        pushes = [line for line in simulator.messages() if line["channel"] == "push"]
        return [push["message"]["data"]["id"] for push in pushes if push["target"]["value"] in mine]

    async def in_the_middle() -> bool:
        return len(sent()) > 15

    worker.start()
    await eventually(in_the_middle, START_WITHIN_S, "some are sent")
    worker.kill()
    assert len(sent()) < 100
    assert await outbox.waiting() > 0
    worker.start()
    await all_sent(outbox, AFTER_A_KILL_S)
    assert set(sent()) == expected
    for reachable in people:
        seqs = [int(push["message"]["data"]["seq"]) for push in simulator.pushes_to(reachable.value)]
        first_time = list(dict.fromkeys(seqs))
        assert first_time == sorted(first_time)
    assert worker.stop() == 0


async def test_a_flushed_valkey_costs_a_second_and_the_next_ring_is_heard(
    fresh_database: Database,
    add_reachable: AddReachable,
    worker: RunningWorker,
    simulator: RunningSimulator,
    outbox: Outbox,
    bell: Jobs,
) -> None:
    dwi = await add_reachable()
    await heard(worker)
    redis = await bell.redis()
    for _ in range(3):
        await post_contribution(fresh_database, dwi.person)
        await ring(bell, dwi)
        await redis.flushall()
    assert await all_sent(outbox, 3) < 2.5
    await post_contribution(fresh_database, dwi.person)
    await ring(bell, dwi)
    await all_sent(outbox, 3)
    assert len({push["message"]["data"]["id"] for push in simulator.pushes_to(dwi.value)}) == 4


async def test_without_valkey_everything_is_sent_and_rings_are_heard_once_it_is_there(
    fresh_database: Database,
    add_reachable: AddReachable,
    own_valkey: Valkey,
    worker: RunningWorker,
    outbox: Outbox,
    bell: Jobs,
) -> None:
    own_valkey.stop()
    dwi = await add_reachable()
    await post_contribution(fresh_database, dwi.person)
    await all_sent(outbox, START_WITHIN_S)
    assert worker.process.poll() is None

    async def deaf() -> bool:
        return worker.said("worker_hears_no_rings")

    await eventually(deaf, 10, "the worker notices that Valkey is away")
    start_again(own_valkey)

    async def heard_at_once() -> bool:
        await asyncio.sleep(0.5)
        await post_contribution(fresh_database, dwi.person)
        await ring(bell, dwi)
        return await all_sent(outbox, 5) < 0.2

    await eventually(heard_at_once, 20, "rings are heard again")
    assert worker.stop() == 0


async def test_a_database_that_goes_away_is_waited_for(
    fresh_database: Database,
    add_reachable: AddReachable,
    worker: RunningWorker,
    outbox: Outbox,
    servers: tuple[Postgres, Valkey],
) -> None:
    dwi = await add_reachable()
    await heard(worker)
    admin = await Database(servers[0], "postgres").connect()
    await admin.execute(f"ALTER DATABASE {fresh_database.name} ALLOW_CONNECTIONS false")
    await admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND usename = 'sepakat_worker'",
        fresh_database.name,
    )
    await asyncio.sleep(2.5)
    assert worker.process.poll() is None
    assert worker.said("sweep_cannot_look")
    await admin.execute(f"ALTER DATABASE {fresh_database.name} ALLOW_CONNECTIONS true")
    await admin.close()
    await post_contribution(fresh_database, dwi.person)
    await all_sent(outbox, 10)
    assert worker.stop() == 0


async def test_a_worker_that_is_asked_to_end_leaves_the_lane_free_and_nothing_half_done(
    fresh_database: Database,
    add_reachable: AddReachable,
    worker: RunningWorker,
    simulator: RunningSimulator,
    outbox: Outbox,
) -> None:
    dwi = await add_reachable()
    simulator.script(dwi.value, *({"delay_s": 1.0} for _ in range(4)))
    await post_contributions(fresh_database, [dwi.person], times=4)

    async def sending() -> bool:
        return bool(simulator.pushes_to(dwi.value))

    await eventually(sending, START_WITHIN_S, "something is being sent")
    assert worker.stop() == 0
    sent = len(simulator.pushes_to(dwi.value))
    assert sent < 4
    assert len(await outbox.deliveries()) == sent
    assert await outbox.waiting() == 4 - sent
    assert await outbox.connection.fetchval("SELECT count(*) FROM lanes WHERE owner IS NOT NULL") == 0


def test_the_worker_says_what_setting_is_missing(worker: RunningWorker) -> None:
    environment = {**worker.environment, "SEPAKAT_SECRET": ""}
    done = subprocess.run(worker.process.args, env=environment, capture_output=True, text=True, timeout=20)
    assert done.returncode == 1
    assert "SEPAKAT_SECRET" in done.stderr
    assert "Traceback" not in done.stderr
