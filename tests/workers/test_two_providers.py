"""Google and Huawei side by side: whatever happens to one, the other's phones are told, and nothing of the first is lost."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from app.local.servers import Valkey
from app.notifications.deliver import Deliverer
from app.platform.database import Pool
from app.platform.fcm import Fcm
from app.platform.outcomes import Accepted, Outcome
from app.platform.push import Push
from tests.conftest import Database
from tests.local.running_simulator import RunningSimulator
from tests.notifications.changes import post_contribution, post_contributions
from tests.workers.conftest import AddReachable, Outbox, Reachable
from tests.workers.running_worker import eventually, run_worker
from workers.drain_lane import LaneDrain


async def add_both(add_reachable: AddReachable) -> tuple[Reachable, str, str]:
    """A person with a phone of each kind, and the values of their targets."""
    dwi = await add_reachable("android", "hms")
    fcm, hms = dwi.devices
    return dwi, fcm, hms


def outcomes(simulator: RunningSimulator, value: str) -> list[str]:
    return [push["outcome"] for push in simulator.pushes_to(value)]


async def cleared(outbox: Outbox) -> int:
    count: int = await outbox.connection.fetchval("SELECT count(cleared_at) FROM push_targets")
    return count


async def test_who_has_a_phone_of_each_kind_is_told_on_both(
    fresh_database: Database,
    add_reachable: AddReachable,
    drain: LaneDrain,
    simulator: RunningSimulator,
    outbox: Outbox,
) -> None:
    dwi, fcm, hms = await add_both(add_reachable)
    await post_contribution(fresh_database, dwi.person)
    await drain.drain(dwi.lane)
    assert outcomes(simulator, fcm) == outcomes(simulator, hms) == ["accepted"]
    [delivered] = [d for d in await outbox.deliveries() if d["device_id"] == dwi.devices[hms]]
    [push] = simulator.pushes_to(hms)
    assert push["message"]["android"]["notification"]["tag"] == str(delivered["delivery_id"])
    assert (delivered["state"], await outbox.waiting()) == ("accepted", 0)


async def test_a_second_try_at_huawei_replaces_the_first_on_the_phone(
    fresh_database: Database,
    add_reachable: AddReachable,
    drain: LaneDrain,
    simulator: RunningSimulator,
    outbox: Outbox,
) -> None:
    dwi = await add_reachable("hms")
    simulator.script(dwi.value, {"drop": True})
    await post_contribution(fresh_database, dwi.person)
    await drain.drain(dwi.lane)
    await outbox.due_now()
    await drain.drain(dwi.lane)
    first, second = simulator.pushes_to(dwi.value)
    assert first["message"] == second["message"]
    assert await outbox.waiting() == 0


async def test_only_the_target_that_huawei_calls_invalid_is_cleared(
    fresh_database: Database,
    add_reachable: AddReachable,
    drain: LaneDrain,
    simulator: RunningSimulator,
    outbox: Outbox,
) -> None:
    well, gone = await add_reachable("hms"), await add_reachable("hms")
    await post_contribution(fresh_database, well.person)
    await drain.drain(well.lane)
    simulator.script(gone.value, {"error_code": "80300007"})
    await post_contribution(fresh_database, gone.person)
    await drain.drain(gone.lane)
    kept = await outbox.connection.fetch("SELECT value FROM push_targets WHERE cleared_at IS NULL")
    assert [row["value"] for row in kept] == [well.value]
    assert await outbox.waiting() == 0


async def test_a_secret_that_was_revoked_stops_only_huawei_and_loses_nothing(
    fresh_database: Database,
    add_reachable: AddReachable,
    drain: LaneDrain,
    simulator: RunningSimulator,
    outbox: Outbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.notifications.deliver.MISCONFIGURED_WAIT_S", 0.5)
    monkeypatch.setattr("app.notifications.deliver.HELD_BACK_WAIT_S", 0.5)
    monkeypatch.setattr("app.platform.push_grants._FAILURE_HOLD_S", 0.0)
    dwi, fcm, hms = await add_both(add_reachable)
    valid = simulator.reset_hms_secret()
    for _ in range(3):
        await post_contribution(fresh_database, dwi.person)
        await drain.drain(dwi.lane)
    assert outcomes(simulator, fcm) == ["accepted"] * 3
    assert outcomes(simulator, hms) == []
    assert (await outbox.waiting(), await cleared(outbox)) == (3, 0)

    simulator.hms_credentials.write_bytes(valid)

    async def all_told() -> bool:
        await drain.drain(dwi.lane)
        return await outbox.waiting() == 0

    await eventually(all_told, 20, "everything is sent once the secret is right")
    assert outcomes(simulator, hms) == ["accepted"] * 3
    assert simulator.pushes_to(hms) == sorted(simulator.pushes_to(hms), key=lambda push: push["at"])
    assert outcomes(simulator, fcm) == ["accepted"] * 3, "and nobody is told twice"
    assert (await outbox.waiting(), await cleared(outbox)) == (0, 0)


@pytest.mark.parametrize("sick", ["fcm", "hms"])
async def test_a_provider_that_is_overloaded_pauses_only_itself(
    fresh_database: Database,
    add_reachable: AddReachable,
    drain: LaneDrain,
    simulator: RunningSimulator,
    outbox: Outbox,
    sick: str,
) -> None:
    dwi, *values = await add_both(add_reachable)
    values = values if sick == "fcm" else values[::-1]
    simulator.script(values[0], {"status": 503, "retry_after": 60})
    for _ in range(3):
        await post_contribution(fresh_database, dwi.person)
        await drain.drain(dwi.lane)
    assert len(outcomes(simulator, values[0])) == 1, "asked once, and then left alone"
    assert outcomes(simulator, values[1]) == ["accepted"] * 3
    assert await outbox.waiting() == 3


async def test_while_all_providers_are_paused_no_lane_is_read(
    fresh_database: Database,
    add_reachable: AddReachable,
    drain: LaneDrain,
    simulator: RunningSimulator,
    outbox: Outbox,
) -> None:
    dwi, fcm, hms = await add_both(add_reachable)
    for value in (fcm, hms):
        simulator.script(value, {"status": 503, "retry_after": 60})
    await post_contribution(fresh_database, dwi.person)
    await drain.drain(dwi.lane)
    sari = await add_reachable("hms")
    await post_contribution(fresh_database, sari.person)
    await drain.drain(sari.lane)
    parked = "SELECT not_before FROM outbox WHERE participant_id = $1"
    assert await outbox.connection.fetchval(parked, sari.person.participant_id) is None


async def test_a_worker_sends_through_both_and_a_secret_put_right_is_taken_up_within_half_a_minute(
    fresh_database: Database,
    add_reachable: AddReachable,
    own_valkey: Valkey,
    simulator: RunningSimulator,
    outbox: Outbox,
    tmp_path: Path,
) -> None:
    """The half minute is waited for where time is judged; see tests/prove."""
    dwi, fcm, hms = await add_both(add_reachable)

    async def told(value: str, times: int) -> bool:
        return outcomes(simulator, value) == ["accepted"] * times

    async def misconfigured() -> bool:
        return worker.said("push_misconfigured") and await outbox.waiting() == 1

    with run_worker(fresh_database, own_valkey.url, simulator, tmp_path / "worker.log") as worker:
        await post_contribution(fresh_database, dwi.person)
        for value in (fcm, hms):
            await eventually(partial(told, value, 1), 20, "both phones are told")
        valid = simulator.reset_hms_secret()
        await post_contribution(fresh_database, dwi.person)
        await eventually(partial(told, fcm, 2), 10, "Google's phone is told all the same")
        await eventually(misconfigured, 10, "the other provider's fault is said, and its push waits")
        assert (await outbox.waiting(), await cleared(outbox)) == (1, 0)
        simulator.hms_credentials.write_bytes(valid)
        if os.environ.get("TIMED"):
            took = await eventually(partial(told, hms, 2), 60, "Huawei's phone is told")
            assert took <= 31, took
            assert (await told(fcm, 2), await cleared(outbox)) == (True, 0)


async def test_a_provider_that_hangs_takes_no_sends_of_the_other(
    fresh_database: Database,
    add_reachable: AddReachable,
    new_drain: Callable[[], LaneDrain],
    simulator: RunningSimulator,
    outbox: Outbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.notifications.deliver.SENDS_AT_ONCE", 1)
    drain = new_drain()
    slow = await add_reachable("hms")
    while (quick := await add_reachable("android")).person.participant_id < slow.person.participant_id:
        pass  # the slow one has to come first
    simulator.script(slow.value, {"delay_s": 10})
    await post_contributions(fresh_database, [slow.person, quick.person])
    await outbox.into_lane(slow.lane)
    draining = asyncio.create_task(drain.drain(slow.lane))

    async def told() -> bool:
        return bool(simulator.pushes_to(quick.value))

    await eventually(
        told, 4, "the quick one is told before the five seconds are over in which the slow one is given up"
    )
    draining.cancel()
    with suppress(asyncio.CancelledError):
        await draining


async def test_what_nobody_sends_here_waits_and_is_not_dropped(
    fresh_database: Database, add_reachable: AddReachable, pool: Pool, simulator: RunningSimulator, outbox: Outbox
) -> None:
    fcm = Fcm(simulator.base_url, str(simulator.credentials), timeout_s=5.0)
    drain = LaneDrain(pool, Deliverer({"fid": fcm, "token": fcm}))
    dwi, value, hms = await add_both(add_reachable)
    await post_contributions(fresh_database, [dwi.person], times=2)
    await drain.drain(dwi.lane)
    await fcm.close()
    assert (outcomes(simulator, value), outcomes(simulator, hms)) == (["accepted"] * 2, [])
    assert (await outbox.waiting(), await cleared(outbox)) == (2, 0)
    noted = [(d["state"], d["code"]) for d in await outbox.deliveries() if d["device_id"] == dwi.devices[hms]]
    assert noted == [("waiting", "misconfigured"), ("waiting", "held_back")]


async def test_a_send_whose_answer_is_cancelled_holds_up_nobody(
    fresh_database: Database, add_reachable: AddReachable, pool: Pool, outbox: Outbox
) -> None:
    """A lane that waited for it would be kept, and renewed, until the process ends."""

    class GivesUp:
        async def send(self, push: Push) -> Outcome:
            answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
            if push.value == dwi.value:
                answer.cancel()
            else:
                answer.set_result(Accepted("taken"))
            return await answer

    dwi, sari = await add_reachable("android"), await add_reachable("android")
    await post_contributions(fresh_database, [dwi.person, sari.person])
    drain = LaneDrain(pool, Deliverer({"fid": GivesUp(), "token": GivesUp()}))
    for lane in {dwi.lane, sari.lane}:
        await asyncio.wait_for(drain.drain(lane), 5)
    [delivered] = await outbox.deliveries()
    assert (delivered["participant_id"], delivered["state"]) == (sari.person.participant_id, "accepted")
    assert await outbox.waiting() == 1
