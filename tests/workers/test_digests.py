"""The push of the morning: what it counts, and that it is the same each time it is tried."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.conftest import Database
from tests.local.running_simulator import RunningSimulator
from tests.notifications.changes import post_contribution, post_contributions
from tests.workers.conftest import AddReachable, Outbox
from tests.workers.nights import NIGHT, WAIT, WIT, Nights, acknowledge, head, read_up_to
from workers.drain_lane import LaneDrain


async def test_a_digest_that_must_be_tried_again_keeps_its_id_and_nothing_joins_it(
    fresh_database: Database,
    add_reachable: AddReachable,
    new_drain: Callable[[], LaneDrain],
    simulator: RunningSimulator,
    outbox: Outbox,
    nights: Nights,
) -> None:
    dwi = await add_reachable("android", "ios")
    sick, well = dwi.devices
    await nights.choose(dwi, quiet=NIGHT)
    await outbox.connection.execute("DELETE FROM outbox")
    await nights.until("23:00")
    await post_contributions(fresh_database, [dwi.person], times=2)
    await new_drain().drain(dwi.lane)
    simulator.script(sick, WAIT)
    await nights.until("06:00")
    drain = new_drain()
    await drain.drain(dwi.lane)
    assert [len(simulator.pushes_to(value)) for value in (sick, well)] == [1, 1]
    await drain.drain(dwi.lane)
    assert await nights.due_lanes() == []
    assert len(simulator.pushes_to(sick)) == 1, "sent again before its time"

    await post_contribution(fresh_database, dwi.person)
    await drain.drain(dwi.lane)
    assert [len(simulator.pushes_to(value)) for value in (sick, well)] == [2, 2], "news waits behind no digest"
    # By day it is short, at night it rests, and in the morning it is tried again as what it was.
    await nights.until("22:30")
    await post_contribution(fresh_database, dwi.person)
    await outbox.due_now()
    await new_drain().drain(dwi.lane)
    assert await nights.resting() == 3
    await nights.until("06:00")
    await new_drain().drain(dwi.lane)
    first, news, again, next_night = simulator.pushes_to(sick)
    assert again["message"] == first["message"]
    assert "from_seq" not in news["message"]["data"]
    assert next_night["message"]["data"]["from_seq"] == next_night["message"]["data"]["seq"]
    assert next_night["message"]["data"]["id"] != first["message"]["data"]["id"]
    assert [push["outcome"] for push in simulator.pushes_to(well)] == ["accepted"] * 3
    assert await outbox.waiting() == 0
    assert {row["state"] for row in await outbox.deliveries()} == {"accepted"}


async def test_a_worker_killed_before_it_wrote_sends_the_same_digest_again(
    fresh_database: Database,
    add_reachable: AddReachable,
    new_drain: Callable[[], LaneDrain],
    simulator: RunningSimulator,
    outbox: Outbox,
    nights: Nights,
) -> None:
    dwi = await add_reachable()
    await nights.choose(dwi, quiet=NIGHT)
    await outbox.connection.execute("DELETE FROM outbox")
    await nights.until("23:00")
    await post_contributions(fresh_database, [dwi.person], times=2)
    await new_drain().drain(dwi.lane)
    await nights.until("06:00")
    simulator.script(dwi.value, {"delay_s": 5})
    killed = asyncio.create_task(new_drain().drain(dwi.lane))
    while not simulator.pushes_to(dwi.value):  # noqa: ASYNC110 (the simulator writes a file)
        await asyncio.sleep(0.02)
    killed.cancel()
    await asyncio.gather(killed, return_exceptions=True)
    await post_contribution(fresh_database, dwi.person)
    await new_drain().drain(dwi.lane)
    first, news, again = simulator.pushes_to(dwi.value)
    assert again["message"] == first["message"]
    assert "from_seq" not in news["message"]["data"]
    assert await outbox.waiting() == 0


async def test_what_was_read_acknowledged_or_switched_off_meanwhile_does_not_count(
    fresh_database: Database,
    add_reachable: AddReachable,
    drain: LaneDrain,
    simulator: RunningSimulator,
    outbox: Outbox,
    nights: Nights,
) -> None:
    dwi, sari, putri = [await add_reachable() for _ in range(3)]
    for who in (dwi, sari, putri):
        await nights.choose(who, quiet=NIGHT)
    await outbox.connection.execute("DELETE FROM outbox")
    await nights.until("23:00")
    await post_contributions(fresh_database, [dwi.person, sari.person, putri.person], times=4)
    await outbox.into_lane(dwi.lane)
    await drain.drain(dwi.lane)
    assert await nights.resting() == 12
    last = await head(outbox, dwi.person)
    await read_up_to(outbox, dwi, last - 3)
    await acknowledge(outbox, dwi, last)
    await read_up_to(outbox, sari, await head(outbox, sari.person))
    await nights.until("06:00")
    await nights.choose(putri, off=(("card", "push"),))
    await drain.drain(dwi.lane)
    [push] = simulator.pushes_to(dwi.value)
    assert (push["message"]["data"]["from_seq"], push["message"]["data"]["seq"]) == (str(last - 2), str(last - 1))
    assert "Jumlah perubahan: 2." in push["message"]["notification"]["body"]
    assert simulator.pushes_to(sari.value) == simulator.pushes_to(putri.value) == []
    assert await nights.resting() == 0


@pytest.mark.parametrize("change", [{"quiet": None}, {"quiet": "01:00-02:00"}, {"zone": WIT}])
async def test_other_hours_or_another_zone_release_what_waits_at_once(
    fresh_database: Database,
    add_reachable: AddReachable,
    drain: LaneDrain,
    simulator: RunningSimulator,
    outbox: Outbox,
    nights: Nights,
    change: dict[str, str | None],
) -> None:
    dwi = await add_reachable()
    await nights.choose(dwi, quiet="22:00-05:00")
    await outbox.connection.execute("DELETE FROM outbox")
    await nights.until("03:30")  # 05:30 in Jayapura
    await post_contributions(fresh_database, [dwi.person], times=2)
    await drain.drain(dwi.lane)
    assert simulator.pushes_to(dwi.value) == []
    assert not await nights.choose(dwi, quiet="22:00-05:00"), "what is so already is no change"
    assert await nights.due_lanes() == []
    await nights.choose(dwi, quiet="22:00-04:30")
    await drain.drain(dwi.lane)
    assert simulator.pushes_to(dwi.value) == [], "still quiet"
    assert await nights.resting() == 2
    await nights.choose(dwi, **change)  # type: ignore[arg-type]
    assert await nights.due_lanes() == [dwi.lane]
    await drain.drain(dwi.lane)
    [push] = simulator.pushes_to(dwi.value)
    assert int(push["message"]["data"]["seq"]) - int(push["message"]["data"]["from_seq"]) == 1
    assert await outbox.waiting() == 0


async def test_a_worker_that_was_away_until_the_next_night_lets_people_sleep(
    fresh_database: Database,
    add_reachable: AddReachable,
    drain: LaneDrain,
    simulator: RunningSimulator,
    outbox: Outbox,
    nights: Nights,
) -> None:
    dwi = await add_reachable()
    await nights.choose(dwi, quiet=NIGHT)
    await outbox.connection.execute("DELETE FROM outbox")
    await nights.until("23:00")
    await post_contribution(fresh_database, dwi.person)
    await drain.drain(dwi.lane)
    await nights.until("06:00")
    await nights.until("22:00")
    await post_contribution(fresh_database, dwi.person)
    await drain.drain(dwi.lane)
    assert simulator.pushes_to(dwi.value) == []
    await nights.until("06:00")
    await drain.drain(dwi.lane)
    [push] = simulator.pushes_to(dwi.value)
    assert "Jumlah perubahan: 2." in push["message"]["notification"]["body"]
