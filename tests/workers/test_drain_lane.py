"""Draining a lane, against the real simulator: who is told, in which order, how often, and what is written of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4, uuid5

import pytest

from app.platform.database import Pool
from tests.conftest import Database
from tests.local.running_simulator import RunningSimulator
from tests.notifications.changes import post_contribution, post_contributions
from tests.workers.conftest import AddReachable, Outbox
from workers.drain_lane import LANE, LaneDrain


async def test_the_entries_of_one_cause_share_one_push_without_content(
    fresh_database: Database,
    add_reachable: AddReachable,
    drain: LaneDrain,
    simulator: RunningSimulator,
    outbox: Outbox,
) -> None:
    dwi = await add_reachable(cards=2)
    cause_id = await post_contribution(fresh_database, dwi.person, cards=2)
    head = await outbox.connection.fetchval(
        "SELECT seq FROM participant_heads WHERE participant_id = $1", dwi.person.participant_id
    )
    await drain.drain(dwi.lane)

    [push] = simulator.pushes_to(dwi.value)
    delivery_id = str(uuid5(cause_id, str(dwi.devices[dwi.value])))
    assert push["message"]["data"] == {"v": "1", "seq": str(head), "class": "card", "id": delivery_id}
    assert push["message"]["android"]["priority"].lower() == "high"
    assert not set(dwi.person.kpjs) & set(str(push["message"]).split("'"))
    assert "Rp" not in str(push["message"])
    [delivery] = await outbox.deliveries()
    assert (delivery["state"], delivery["up_to_seq"], delivery["attempts"]) == ("accepted", head, 1)
    assert delivery["delivery_id"] == uuid5(cause_id, str(dwi.devices[dwi.value]))
    assert delivery["message_id"]
    assert await outbox.waiting() == 0


async def test_a_bulk_change_goes_out_with_normal_priority_and_in_the_phones_language(
    fresh_database: Database, add_reachable: AddReachable, drain: LaneDrain, simulator: RunningSimulator
) -> None:
    dwi = await add_reachable(locale="en")
    await post_contribution(fresh_database, dwi.person, bulk=True)
    await drain.drain(dwi.lane)
    [push] = simulator.pushes_to(dwi.value)
    assert push["message"]["android"]["priority"].lower() == "normal"
    assert push["message"]["notification"]["title"] == "News about your cards"


async def test_the_most_serious_entry_of_a_cause_gives_the_push_its_class(
    fresh_database: Database,
    add_reachable: AddReachable,
    drain: LaneDrain,
    simulator: RunningSimulator,
    outbox: Outbox,
) -> None:
    dwi = await add_reachable()
    card = dwi.person.cards[dwi.person.kpjs[0]]
    # By hand, as the owner could: unexplained, and a matter of security.
    await outbox.connection.execute(
        "UPDATE cards SET lifecycle = 'arrears' WHERE participant_id = $1 AND card_id = $2",
        dwi.person.participant_id,
        card.card_id,
    )
    await drain.drain(dwi.lane)
    [push] = simulator.pushes_to(dwi.value)
    assert push["message"]["data"]["class"] == "security"


async def test_what_needs_no_push_and_who_has_no_phone_are_done_at_once(
    fresh_database: Database,
    add_reachable: AddReachable,
    drain: LaneDrain,
    simulator: RunningSimulator,
    outbox: Outbox,
) -> None:
    dwi = await add_reachable()
    await outbox.connection.execute("UPDATE entry_kinds SET reach = 'inbox' WHERE kind = 'contribution_posted'")
    await post_contribution(fresh_database, dwi.person)
    sari = await add_reachable()
    await outbox.connection.execute(
        "UPDATE push_targets SET cleared_at = now() WHERE participant_id = $1", sari.person.participant_id
    )
    await post_contribution(fresh_database, sari.person)
    for lane in {dwi.lane, sari.lane}:
        await drain.drain(lane)
    assert simulator.pushes_to(dwi.value) == simulator.pushes_to(sari.value) == []
    assert await outbox.deliveries() == []
    assert await outbox.waiting() == 0


async def test_a_persons_causes_go_out_in_order(
    fresh_database: Database, add_reachable: AddReachable, drain: LaneDrain, simulator: RunningSimulator
) -> None:
    dwi = await add_reachable("android", "web")
    # The first is slow: what comes after it must wait for it.
    simulator.script(dwi.value, {"delay_s": 0.5})
    await post_contributions(fresh_database, [dwi.person], times=6)
    await drain.drain(dwi.lane)
    for value in dwi.devices:
        seqs = [int(push["message"]["data"]["seq"]) for push in simulator.pushes_to(value)]
        assert len(seqs) == 6
        assert seqs == sorted(seqs)


async def test_a_device_over_its_quota_parks_only_its_person_for_as_long_as_asked(
    fresh_database: Database,
    add_reachable: AddReachable,
    drain: LaneDrain,
    simulator: RunningSimulator,
    outbox: Outbox,
) -> None:
    dwi = await add_reachable()
    sari = await add_reachable()
    simulator.script(dwi.value, _device_quota(retry_after=1))
    await post_contributions(fresh_database, [dwi.person, sari.person], times=2)
    await outbox.into_lane(dwi.lane)
    started = time.monotonic()
    await drain.drain(dwi.lane)
    assert len(simulator.pushes_to(sari.value)) == 2
    assert len(simulator.pushes_to(dwi.value)) == 1
    assert await outbox.waiting() == 2
    await drain.drain(dwi.lane)
    assert len(simulator.pushes_to(dwi.value)) == 1, "sent again before its time"

    while await outbox.waiting():
        assert time.monotonic() - started < 5
        await asyncio.sleep(0.05)
        await drain.drain(dwi.lane)
    assert time.monotonic() - started >= 1
    first, again, second = simulator.pushes_to(dwi.value)
    assert first["message"]["data"] == again["message"]["data"]
    assert int(second["message"]["data"]["seq"]) > int(again["message"]["data"]["seq"])
    assert [d["attempts"] for d in await outbox.deliveries() if d["participant_id"] == dwi.person.participant_id] == [
        2,
        1,
    ]


async def test_waits_grow_with_each_try(
    fresh_database: Database,
    add_reachable: AddReachable,
    drain: LaneDrain,
    simulator: RunningSimulator,
    outbox: Outbox,
) -> None:
    dwi = await add_reachable()
    simulator.script(dwi.value, *(_device_quota(retry_after=10) for _ in range(3)))
    await post_contribution(fresh_database, dwi.person)
    waits, attempts = [], 0
    for _ in range(3):
        await drain.drain(dwi.lane)
        row = await outbox.connection.fetchrow(
            "SELECT attempts, extract(epoch FROM not_before - clock_timestamp())::float8 AS wait_s FROM outbox"
        )
        assert row is not None
        waits.append(row["wait_s"])
        attempts = row["attempts"]
        await outbox.due_now()
    assert attempts == 3
    for wait_s, least in zip(waits, (10, 20, 40), strict=True):
        assert least - 1 < wait_s < least * 1.25


async def test_a_phone_that_has_it_gets_no_second_push_because_another_must_wait(
    fresh_database: Database,
    add_reachable: AddReachable,
    drain: LaneDrain,
    simulator: RunningSimulator,
    outbox: Outbox,
) -> None:
    dwi = await add_reachable("android", "ios")
    has_it, must_wait = sorted(dwi.devices, key=lambda value: dwi.devices[value])
    simulator.script(must_wait, _device_quota(retry_after=1))
    await post_contribution(fresh_database, dwi.person)
    await drain.drain(dwi.lane)
    await outbox.due_now()
    await drain.drain(dwi.lane)
    assert len(simulator.pushes_to(has_it)) == 1
    assert len(simulator.pushes_to(must_wait)) == 2
    assert await outbox.waiting() == 0


async def test_a_phone_that_keeps_failing_holds_up_no_other_phone_of_its_person(
    fresh_database: Database,
    add_reachable: AddReachable,
    drain: LaneDrain,
    simulator: RunningSimulator,
    outbox: Outbox,
) -> None:
    dwi = await add_reachable("android", "ios")
    well, sick = sorted(dwi.devices, key=lambda value: dwi.devices[value])
    simulator.script(sick, _device_quota(retry_after=30))
    for _ in range(4):
        await post_contribution(fresh_database, dwi.person)
        await drain.drain(dwi.lane)
    accepted = [push["message"]["data"]["seq"] for push in simulator.pushes_to(well) if push["outcome"] == "accepted"]
    assert len(accepted) == 4, "every change reached the phone that works"
    assert [push["outcome"] for push in simulator.pushes_to(sick)] == ["QUOTA_EXCEEDED"], (
        "and the sick one is left alone"
    )
    await outbox.due_now()
    await drain.drain(dwi.lane)
    later = [push["message"]["data"]["seq"] for push in simulator.pushes_to(sick) if push["outcome"] == "accepted"]
    assert later == accepted, "in order"
    assert await outbox.waiting() == 0


async def test_an_overloaded_provider_pauses_everybody_and_loses_nothing(
    fresh_database: Database,
    add_reachable: AddReachable,
    drain: LaneDrain,
    simulator: RunningSimulator,
    outbox: Outbox,
) -> None:
    dwi, sari = await add_reachable(), await add_reachable()
    simulator.script(dwi.value, {"status": 503, "retry_after": 1})
    await post_contributions(fresh_database, [dwi.person, sari.person])
    await drain.drain(dwi.lane)
    await drain.drain(sari.lane)
    assert len(simulator.pushes_to(dwi.value)) == 1
    assert simulator.pushes_to(sari.value) == []
    started = time.monotonic()
    while await outbox.waiting():
        assert time.monotonic() - started < 5
        await asyncio.sleep(0.1)
        await drain.drain(dwi.lane)
        await drain.drain(sari.lane)
    assert len(simulator.pushes_to(dwi.value)) == 2
    assert len(simulator.pushes_to(sari.value)) == 1


async def test_an_unregistered_target_is_cleared(
    fresh_database: Database,
    add_reachable: AddReachable,
    drain: LaneDrain,
    simulator: RunningSimulator,
    outbox: Outbox,
) -> None:
    dwi = await add_reachable()
    simulator.script(dwi.value, {"status": 404, "error_code": "UNREGISTERED"})
    await post_contributions(fresh_database, [dwi.person], times=2)
    await drain.drain(dwi.lane)
    row = await outbox.connection.fetchrow("SELECT cleared_at, cleared_because FROM push_targets")
    assert row is not None
    assert row["cleared_at"] is not None
    assert row["cleared_because"] == "unregistered"
    assert await outbox.waiting() == 0
    await post_contribution(fresh_database, dwi.person)
    sent = len(simulator.pushes_to(dwi.value))
    await drain.drain(dwi.lane)
    assert len(simulator.pushes_to(dwi.value)) == sent


@pytest.mark.parametrize("anew", ["value = value || '-new'", "set_at = now()"])
async def test_a_phone_that_registered_anew_meanwhile_keeps_its_target(
    fresh_database: Database,
    add_reachable: AddReachable,
    drain: LaneDrain,
    simulator: RunningSimulator,
    outbox: Outbox,
    anew: str,
) -> None:
    dwi = await add_reachable()
    simulator.script(dwi.value, {"status": 404, "error_code": "UNREGISTERED", "delay_s": 0.6})
    await post_contribution(fresh_database, dwi.person)
    draining = asyncio.create_task(drain.drain(dwi.lane))
    await asyncio.sleep(0.3)
    await outbox.connection.execute(f"UPDATE push_targets SET {anew}")
    await draining
    assert await outbox.connection.fetchval("SELECT cleared_at FROM push_targets") is None
    assert (await outbox.deliveries())[0]["state"] == "unregistered"


async def test_a_message_that_is_refused_is_kept_as_refused_and_holds_up_nobody(
    fresh_database: Database,
    add_reachable: AddReachable,
    drain: LaneDrain,
    simulator: RunningSimulator,
    outbox: Outbox,
) -> None:
    dwi = await add_reachable()
    simulator.script(dwi.value, {"status": 400, "error_code": "INVALID_ARGUMENT"})
    await post_contributions(fresh_database, [dwi.person], times=2)
    await drain.drain(dwi.lane)
    refused, accepted = await outbox.deliveries()
    assert (refused["state"], refused["code"]) == ("rejected", "INVALID_ARGUMENT")
    assert accepted["state"] == "accepted"
    assert await outbox.connection.fetchval("SELECT cleared_at FROM push_targets") is None


async def test_our_own_misconfiguration_parks_everything_and_drops_nothing(
    fresh_database: Database,
    add_reachable: AddReachable,
    new_drain: Callable[[], LaneDrain],
    simulator: RunningSimulator,
    outbox: Outbox,
) -> None:
    dwi, sari = await add_reachable(), await add_reachable()
    simulator.script(dwi.value, {"status": 403})
    await post_contributions(fresh_database, [dwi.person, sari.person], times=2)
    broken = new_drain()
    await broken.drain(dwi.lane)
    await broken.drain(sari.lane)
    assert await outbox.waiting() == 4
    parked_s = await outbox.connection.fetchval(
        "SELECT max(extract(epoch FROM not_before - clock_timestamp()))::float8 FROM outbox"
    )
    assert 8 < parked_s <= 10
    # Mended, and a worker started anew.
    await outbox.due_now()
    mended = new_drain()
    for lane in {dwi.lane, sari.lane}:
        await mended.drain(lane)
    assert await outbox.waiting() == 0
    for reachable in (dwi, sari):
        assert len({push["message"]["data"]["id"] for push in simulator.pushes_to(reachable.value)}) == 2


async def test_a_key_of_apple_that_broke_holds_up_only_apples_phones(
    fresh_database: Database,
    add_reachable: AddReachable,
    drain: LaneDrain,
    simulator: RunningSimulator,
    outbox: Outbox,
) -> None:
    apple = await add_reachable("ios")
    others = [await add_reachable("ios"), await add_reachable("android")]
    simulator.script(apple.value, {"status": 401, "error_code": "THIRD_PARTY_AUTH_ERROR"})
    await post_contributions(fresh_database, [apple.person, *(other.person for other in others)])
    for reachable in (apple, *others):
        await drain.drain(reachable.lane)
    assert [len(simulator.pushes_to(reachable.value)) for reachable in others] == [0, 1]
    assert await outbox.waiting() == 2


async def test_two_workers_at_one_lane_send_nothing_twice(
    fresh_database: Database,
    add_reachable: AddReachable,
    new_drain: Callable[[], LaneDrain],
    simulator: RunningSimulator,
    outbox: Outbox,
) -> None:
    dwi = await add_reachable()
    people = [dwi, *[await add_reachable() for _ in range(3)]]
    await post_contributions(fresh_database, [reachable.person for reachable in people], times=5)
    await outbox.into_lane(dwi.lane)
    drains = [new_drain() for _ in range(4)]
    await asyncio.gather(*(each.drain(dwi.lane) for each in drains for _ in range(2)))
    for reachable in people:
        seqs = [int(push["message"]["data"]["seq"]) for push in simulator.pushes_to(reachable.value)]
        assert len(seqs) == len(set(seqs)) == 5
        assert seqs == sorted(seqs)
    assert await outbox.waiting() == 0


async def test_a_worker_that_slept_past_its_lease_writes_nothing(
    fresh_database: Database,
    add_reachable: AddReachable,
    new_drain: Callable[[], LaneDrain],
    simulator: RunningSimulator,
    outbox: Outbox,
    pool: Pool,
) -> None:
    dwi = await add_reachable()
    simulator.script(dwi.value, {"delay_s": 1.0})
    await post_contribution(fresh_database, dwi.person)
    draining = asyncio.create_task(new_drain().drain(dwi.lane))
    await asyncio.sleep(0.4)
    await outbox.connection.execute("UPDATE lanes SET lease_until = clock_timestamp() WHERE lane = $1", dwi.lane)
    other = uuid4()
    taken = await pool.fetchrow(LANE["take"], dwi.lane, other, timedelta(seconds=10), False)
    assert taken is not None
    assert taken["taken"]
    await draining
    assert await outbox.deliveries() == []
    assert await outbox.waiting() == 1
    lane = await outbox.connection.fetchrow("SELECT owner, fence FROM lanes WHERE lane = $1", dwi.lane)
    assert lane is not None
    assert (lane["owner"], lane["fence"]) == (other, taken["fence"])

    await pool.fetchval(LANE["release"], dwi.lane, other, taken["fence"], None)
    await new_drain().drain(dwi.lane)
    first, second = simulator.pushes_to(dwi.value)
    assert first["message"]["data"]["id"] == second["message"]["data"]["id"]
    assert await outbox.waiting() == 0


async def test_what_comes_in_while_the_lane_is_drained_is_sent_by_its_owner(
    fresh_database: Database,
    add_reachable: AddReachable,
    new_drain: Callable[[], LaneDrain],
    simulator: RunningSimulator,
    outbox: Outbox,
) -> None:
    dwi = await add_reachable()
    simulator.script(dwi.value, {"delay_s": 0.8})
    await post_contribution(fresh_database, dwi.person)
    draining = asyncio.create_task(new_drain().drain(dwi.lane))
    await asyncio.sleep(0.3)
    await post_contribution(fresh_database, dwi.person)
    await new_drain().drain(dwi.lane)  # finds the lane owned, and rings
    assert not draining.done()
    await draining
    assert len(simulator.pushes_to(dwi.value)) == 2
    assert await outbox.waiting() == 0
    lane = await outbox.connection.fetchrow("SELECT owner, rung FROM lanes WHERE lane = $1", dwi.lane)
    assert lane is not None
    assert (lane["owner"], lane["rung"]) == (None, 1)


async def test_urgent_goes_before_bulk(
    fresh_database: Database, add_reachable: AddReachable, drain: LaneDrain, simulator: RunningSimulator
) -> None:
    dwi = await add_reachable()
    for bulk in (True, True, False):
        await post_contribution(fresh_database, dwi.person, bulk=bulk)
    await drain.drain(dwi.lane)
    priorities = [push["message"]["android"]["priority"].lower() for push in simulator.pushes_to(dwi.value)]
    assert priorities == ["high", "normal", "normal"]


async def test_a_lane_longer_than_a_batch_is_drained_to_its_end(
    fresh_database: Database,
    add_reachable: AddReachable,
    drain: LaneDrain,
    simulator: RunningSimulator,
    outbox: Outbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("workers.drain_lane.BATCH", 4)
    dwi = await add_reachable(cards=3)
    people = [dwi, *[await add_reachable() for _ in range(2)]]
    for _ in range(3):
        await post_contribution(fresh_database, dwi.person, cards=3)
    await post_contributions(fresh_database, [reachable.person for reachable in people], times=4)
    await outbox.into_lane(dwi.lane)
    await drain.drain(dwi.lane)
    assert await outbox.waiting() == 0
    # A cause of three entries that a batch would have cut is still one push.
    assert [len(simulator.pushes_to(reachable.value)) for reachable in people] == [7, 4, 4]


def _device_quota(retry_after: int) -> dict[str, object]:
    violation = {"subject": "device:1", "description": "Device message rate exceeded"}
    failure = {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]}
    return {"status": 429, "error_code": "QUOTA_EXCEEDED", "details": [failure], "retry_after": retry_after}


async def test_one_persons_oddity_holds_up_nobody_else(
    fresh_database: Database,
    add_reachable: AddReachable,
    drain: LaneDrain,
    simulator: RunningSimulator,
    outbox: Outbox,
) -> None:
    dwi, sari = await add_reachable(), await add_reachable()
    await outbox.connection.execute("ALTER TABLE push_targets DROP CONSTRAINT locale_is_known")
    await outbox.connection.execute(
        "UPDATE push_targets SET locale = 'xx' WHERE participant_id = $1", dwi.person.participant_id
    )
    await post_contributions(fresh_database, [dwi.person, sari.person])
    await outbox.into_lane(dwi.lane)
    await drain.drain(dwi.lane)
    assert len(simulator.pushes_to(sari.value)) == 1
    assert await outbox.waiting() == 1
