"""A process sends the bulk of few lanes at once; what is urgent waits neither for a turn nor for the end of a batch."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from uuid import UUID

import pytest

from tests.conftest import Database
from tests.local.running_simulator import RunningSimulator
from tests.notifications.changes import post_contribution
from tests.workers.conftest import AddReachable, Outbox
from workers import drain_lane
from workers.drain_lane import LaneDrain
from workers.rounds import Rounds
from workers.work import ring_lane

SLOW_S = 2.5


async def arrive(simulator: RunningSimulator, value: str, before_end_of: asyncio.Task[None]) -> None:
    """A push to this phone, while that is still under way."""
    while not simulator.pushes_to(value):
        assert not before_end_of.done(), "came to its end before"
        await asyncio.sleep(0.02)
    assert not before_end_of.done(), "came to its end before"


async def into_lane(outbox: Outbox, participant_id: UUID, lane: int) -> None:
    await outbox.connection.execute("UPDATE outbox SET lane = $2 WHERE participant_id = $1", participant_id, lane)


async def test_what_becomes_urgent_goes_out_while_the_bulk_of_its_lane_is_sent(
    fresh_database: Database,
    add_reachable: AddReachable,
    drain: LaneDrain,
    simulator: RunningSimulator,
    outbox: Outbox,
) -> None:
    dwi, sari = await add_reachable(), await add_reachable()
    simulator.script(dwi.value, {"delay_s": SLOW_S})
    await post_contribution(fresh_database, dwi.person, bulk=True)
    await into_lane(outbox, dwi.person.participant_id, 7)
    draining = asyncio.create_task(drain.drain(7))
    await arrive(simulator, dwi.value, draining)
    await post_contribution(fresh_database, sari.person)
    await into_lane(outbox, sari.person.participant_id, 7)
    await arrive(simulator, sari.value, draining)
    await draining
    assert await outbox.waiting() == 0
    assert len(simulator.pushes_to(sari.value)) == len(simulator.pushes_to(dwi.value)) == 1


async def test_a_lane_that_waits_for_its_turn_sends_what_is_urgent(
    fresh_database: Database,
    add_reachable: AddReachable,
    new_drain: Callable[[], LaneDrain],
    simulator: RunningSimulator,
    outbox: Outbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(drain_lane, "BULK_LANES_AT_ONCE", 1)
    drain = new_drain()
    dwi, sari = await add_reachable(), await add_reachable()
    simulator.script(dwi.value, {"delay_s": SLOW_S})
    await post_contribution(fresh_database, dwi.person, bulk=True)
    await post_contribution(fresh_database, sari.person, bulk=True)
    await post_contribution(fresh_database, sari.person)
    await into_lane(outbox, dwi.person.participant_id, 7)
    await into_lane(outbox, sari.person.participant_id, 8)
    first = asyncio.create_task(drain.drain(7))
    await arrive(simulator, dwi.value, first)
    second = asyncio.create_task(drain.drain(8))
    await arrive(simulator, sari.value, first)
    [push] = simulator.pushes_to(sari.value)
    assert push["message"]["android"]["priority"].lower() == "high"
    # Then nobody owns the lane that waits: another process may send its bulk.
    while await outbox.connection.fetchval("SELECT owner FROM lanes WHERE lane = 8") is not None:
        assert not first.done(), "came to its end before"
        await asyncio.sleep(0.02)
    await asyncio.gather(first, second)
    assert await outbox.waiting() == 0


async def test_a_lane_that_waits_for_its_turn_is_not_looked_at_once_more_for_each_ring(
    fresh_database: Database,
    add_reachable: AddReachable,
    new_drain: Callable[[], LaneDrain],
    simulator: RunningSimulator,
    outbox: Outbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(drain_lane, "BULK_LANES_AT_ONCE", 1)
    drain, rounds = new_drain(), Rounds()
    dwi, sari = await add_reachable(), await add_reachable()
    simulator.script(dwi.value, {"delay_s": SLOW_S})
    await post_contribution(fresh_database, dwi.person, bulk=True)
    await post_contribution(fresh_database, sari.person, bulk=True)
    await into_lane(outbox, dwi.person.participant_id, 7)
    await into_lane(outbox, sari.person.participant_id, 8)
    first = asyncio.create_task(drain.drain(7))
    await arrive(simulator, dwi.value, first)
    for _ in range(3):
        ring_lane(rounds, drain, 8, urgent=False)
        await asyncio.sleep(0.05)
        assert drain.waits(8)
    await first
    while rounds.runs("drain_lane 8"):
        await asyncio.sleep(0.02)
        assert await outbox.connection.fetchval("SELECT fence FROM lanes WHERE lane = 8") <= 1, "taken twice"
    assert await outbox.waiting() == 0
    assert not drain.waits(8)


async def test_what_became_urgent_during_a_batch_goes_before_the_next_batch(
    fresh_database: Database,
    add_reachable: AddReachable,
    drain: LaneDrain,
    simulator: RunningSimulator,
    outbox: Outbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(drain_lane, "BATCH", 1)
    monkeypatch.setattr(drain_lane, "RENEW_EVERY_S", 60.0)
    people = sorted([await add_reachable() for _ in range(2)], key=lambda known: known.person.participant_id)
    hurried = await add_reachable()
    simulator.script(people[0].value, {"delay_s": SLOW_S})
    for known in people:
        await post_contribution(fresh_database, known.person, bulk=True)
        await into_lane(outbox, known.person.participant_id, 7)
    draining = asyncio.create_task(drain.drain(7))
    await arrive(simulator, people[0].value, draining)
    await post_contribution(fresh_database, hurried.person)
    await into_lane(outbox, hurried.person.participant_id, 7)
    await draining
    [urgent], [later] = simulator.pushes_to(hurried.value), simulator.pushes_to(people[1].value)
    assert urgent["at"] <= later["at"]
    assert await outbox.waiting() == 0
