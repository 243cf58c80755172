"""Lanes that are drained at a pace: what gets no permit waits where it is, and holds up nothing that is more urgent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
import pytest_asyncio

from app.local.servers import Postgres, Valkey
from app.notifications.deliver import Deliverer
from app.platform.database import Pool
from app.platform.fcm import Fcm
from app.platform.pace import Pace, Pacing
from tests.conftest import SECRET, Database
from tests.local.running_simulator import RunningSimulator
from tests.notifications.changes import post_contribution, post_contributions
from tests.workers.conftest import AddReachable, Outbox
from tests.workers.running_worker import eventually
from workers.drain_lane import LaneDrain


class Paced:
    """Drains as separate workers would have, at one pace."""

    def __init__(self, pool: Pool, simulator: RunningSimulator, url: str) -> None:
        self._pool, self._simulator, self._url = pool, simulator, url
        self._provider = f"test-{uuid4().hex}"
        self.opened: list[Fcm | Pace] = []

    def pace(self, pacing: Pacing) -> Pace:
        pace = Pace(self._provider, self._url, SECRET, pacing)
        self.opened.append(pace)
        return pace

    def drain(self, pacing: Pacing) -> LaneDrain:
        fcm, pace = Fcm(self._simulator.base_url, str(self._simulator.credentials), timeout_s=5.0), self.pace(pacing)
        self.opened.append(fcm)
        return LaneDrain(self._pool, Deliverer({"fid": fcm}, {"fid": pace}))


@pytest_asyncio.fixture
async def paced(pool: Pool, simulator: RunningSimulator, servers: tuple[Postgres, Valkey]) -> AsyncIterator[Paced]:
    simulator.set_quota(None)
    paced = Paced(pool, simulator, servers[1].url)
    yield paced
    for opened in paced.opened:
        await opened.close()
    simulator.set_quota(None)


async def test_a_lane_that_waits_for_permits_loses_and_doubles_nothing(
    fresh_database: Database, add_reachable: AddReachable, paced: Paced, simulator: RunningSimulator, outbox: Outbox
) -> None:
    people = [await add_reachable("android", "web") for _ in range(4)]
    await post_contributions(fresh_database, [reachable.person for reachable in people], times=6)
    await outbox.into_lane(people[0].lane)
    await paced.drain(Pacing(quota=400, minute_s=1.0)).drain(people[0].lane)
    assert await outbox.waiting() == 0
    for reachable in people:
        for value in reachable.devices:
            seqs = [int(push["message"]["data"]["seq"]) for push in simulator.pushes_to(value)]
            assert len(seqs) == 6
            assert seqs == sorted(set(seqs)), "in order, and none twice"
    assert {delivery["state"] for delivery in await outbox.deliveries()} == {"accepted"}


async def test_urgent_rows_of_a_lane_pass_bulk_that_waits_for_permits(
    fresh_database: Database, add_reachable: AddReachable, paced: Paced, simulator: RunningSimulator, outbox: Outbox
) -> None:
    people = [await add_reachable() for _ in range(3)]
    for _ in range(4):
        for reachable in people:
            await post_contribution(fresh_database, reachable.person, bulk=True)
    dwi = await add_reachable()
    lane = people[0].lane
    await outbox.into_lane(lane)
    drain = paced.drain(Pacing(quota=600))
    draining = asyncio.create_task(drain.drain(lane))

    async def under_way() -> bool:
        return int(simulator.quota()["last"]) >= 1

    await eventually(under_way, 3, "bulk has begun")
    await asyncio.sleep(0.3)
    await post_contribution(fresh_database, dwi.person)
    await outbox.connection.execute(
        "UPDATE outbox SET lane = $1 WHERE participant_id = $2", lane, dwi.person.participant_id
    )

    async def told() -> bool:
        return bool(simulator.pushes_to(dwi.value))

    await eventually(told, 3, "the urgent one went out")
    assert await outbox.waiting() >= 4, "bulk still waits"
    drain._deliverer.stopping = True
    await draining


async def test_a_phone_at_its_limit_waits_and_the_other_phones_go_on(
    fresh_database: Database, add_reachable: AddReachable, paced: Paced, simulator: RunningSimulator, outbox: Outbox
) -> None:
    if time.time() % 60 > 50:
        await asyncio.sleep(61 - time.time() % 60)  # the next minute is another one
    pacing = Pacing(quota=600_000, device_limit=2)
    dwi = await add_reachable("android", "web")
    busy, quiet = sorted(dwi.devices, key=lambda value: dwi.devices[value])
    await paced.pace(pacing).take([(uuid4(), dwi.devices[busy])], urgent=True)
    await post_contributions(fresh_database, [dwi.person], times=2)
    await paced.drain(pacing).drain(dwi.lane)
    assert [len(simulator.pushes_to(value)) for value in (busy, quiet)] == [1, 2]
    [at_limit] = [delivery for delivery in await outbox.deliveries() if delivery["state"] == "waiting"]
    assert (at_limit["device_id"], at_limit["code"], at_limit["attempts"]) == (dwi.devices[busy], "device_limit", 0)
    wait_s = await outbox.connection.fetchval(
        "SELECT extract(epoch FROM not_before - clock_timestamp())::float8 FROM outbox"
    )
    assert 0 < wait_s <= 60


async def test_a_provider_that_asks_one_process_to_wait_hears_from_none(
    fresh_database: Database, add_reachable: AddReachable, paced: Paced, simulator: RunningSimulator, outbox: Outbox
) -> None:
    dwi, sari = await add_reachable(), await add_reachable()
    asked, other = paced.drain(Pacing(quota=600_000)), paced.drain(Pacing(quota=600_000))
    simulator.script("*", {"status": 429, "error_code": "QUOTA_EXCEEDED", "retry_after": 1})
    await post_contribution(fresh_database, dwi.person)
    began = time.monotonic()
    await asked.drain(dwi.lane)
    await post_contribution(fresh_database, sari.person)
    await other.drain(sari.lane)
    assert simulator.pushes_to(sari.value) == [], "the other process heard of it"

    async def all_sent() -> bool:
        await asyncio.gather(asked.drain(dwi.lane), other.drain(sari.lane))
        return await outbox.waiting() == 0

    await eventually(all_sent, 5, "both go on")
    assert time.monotonic() - began >= 1.0
    assert len(simulator.pushes_to(sari.value)) == 1


async def test_a_provider_that_one_process_cannot_reach_is_not_held_for_the_others(
    fresh_database: Database, add_reachable: AddReachable, paced: Paced, simulator: RunningSimulator, pool: Pool
) -> None:
    dwi, sari = await add_reachable(), await add_reachable()
    pace = paced.pace(Pacing(quota=600_000))
    cut_off = Fcm("http://127.0.0.1:1", str(simulator.credentials), timeout_s=1.0)
    paced.opened.append(cut_off)
    await post_contributions(fresh_database, [dwi.person, sari.person])
    lonely = Deliverer({"fid": cut_off}, {"fid": pace})
    await LaneDrain(pool, lonely).drain(dwi.lane)
    assert lonely.paused_s() > 0
    await paced.drain(Pacing(quota=600_000)).drain(sari.lane)
    assert len(simulator.pushes_to(sari.value)) == 1


@pytest.mark.parametrize("more", [0, 1])
async def test_the_simulator_refuses_what_passes_its_quota(
    fresh_database: Database, add_reachable: AddReachable, drain: LaneDrain, paced: Paced, simulator: RunningSimulator,
    more: int,
) -> None:  # fmt: skip
    dwi = await add_reachable()
    simulator.set_quota(2, window_s=2.0)
    await post_contributions(fresh_database, [dwi.person], times=2 + more)
    await drain.drain(dwi.lane)
    counted = simulator.quota()
    assert (counted["most"], counted["refused"], counted["early"]) == (2 + more, more, 0)
    assert len(simulator.pushes_to(dwi.value)) == 2
