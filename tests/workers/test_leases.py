"""A lane stays its owner's for as long as its rows are read, however long a mountain of them takes."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from app.platform.database import Pool
from tests.conftest import Database
from tests.local.running_simulator import RunningSimulator
from tests.notifications.changes import post_contribution
from tests.workers.conftest import AddReachable, Outbox
from workers import drain_lane
from workers.drain_lane import LANE, LaneDrain


async def test_a_read_that_takes_longer_than_the_lease_does_not_cost_the_lane(
    fresh_database: Database,
    add_reachable: AddReachable,
    drain: LaneDrain,
    simulator: RunningSimulator,
    outbox: Outbox,
    pool: Pool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lease = timedelta(seconds=0.5)
    monkeypatch.setattr(drain_lane, "LEASE", lease)
    monkeypatch.setattr(drain_lane, "RENEW_EVERY_S", 0.1)
    dwi = await add_reachable()
    await post_contribution(fresh_database, dwi.person)
    async with outbox.connection.transaction():
        await outbox.connection.execute("LOCK TABLE history")
        draining = asyncio.create_task(drain.drain(dwi.lane))
        await asyncio.sleep(2 * lease.total_seconds())
        taken = await pool.fetchrow(LANE["take"], dwi.lane, uuid4(), lease, False)
        assert taken is not None
        assert not taken["taken"]
    await draining
    assert await outbox.waiting() == 0
    assert len(simulator.pushes_to(dwi.value)) == 1
