"""Push targets are cleared one by one, never in masses: the window that all workers share, and what waits for its end."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs

from app.cli import main
from app.local.simulator import write_service_account
from app.notifications import deliver
from app.notifications.clearing import CLAIM
from app.platform import push_grants
from app.platform.database import Pool
from tests.conftest import Database
from tests.local.running_simulator import RunningSimulator, http
from tests.notifications.changes import post_contribution, post_contributions
from tests.workers.conftest import AddReachable, Outbox, Reachable
from tests.workers.running_worker import eventually
from workers.drain_lane import LaneDrain

NewDrain = Callable[[], LaneDrain]
GONE = {"status": 404, "error_code": "UNREGISTERED"}
WRONG_SENDER = {"status": 403, "error_code": "SENDER_ID_MISMATCH"}
SWEEP_S = 1.0


async def test_two_workers_clear_no_more_than_the_window_allows(
    fresh_database: Database,
    add_reachable: AddReachable,
    new_drain: NewDrain,
    simulator: RunningSimulator,
    outbox: Outbox,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    await allow_least(outbox, 3)
    people = [await add_reachable() for _ in range(8)]
    for person in people:
        simulator.script(person.value, *[GONE] * 8)
    await post_contributions(fresh_database, [person.person for person in people], times=2)
    await in_two_lanes(outbox, people)
    workers = [new_drain(), new_drain()]

    async def drain_both() -> list[Any]:
        await outbox.due_now()
        with capture_logs() as said:
            await asyncio.gather(*(worker.drain(lane) for lane, worker in enumerate(workers)))
        return [line for line in said if line["event"] == "clearing_stopped" and line["log_level"] == "error"]

    alarms = await drain_both()
    assert sum(line["targets"] for line in alarms) == 5
    assert await cleared(outbox) == 3
    assert await states(outbox) == {("unregistered", "UNREGISTERED"): 6, ("waiting", "clearing_stopped"): 10}
    assert await outbox.waiting() == 10
    waits = await outbox.connection.fetchrow(
        """SELECT min(extract(epoch FROM not_before - clock_timestamp()))::int AS first, count(DISTINCT not_before) AS times
        FROM outbox"""
    )
    assert waits is not None
    assert 590 < waits["first"] <= 750
    await drain_both()
    assert await cleared(outbox) == 3, "the same window"

    await outbox.connection.execute("UPDATE clearing SET began_at = began_at - every")
    assert sum(line["targets"] for line in await drain_both()) == 2
    assert await cleared(outbox) == 6, "another window"

    monkeypatch.setenv("SEPAKAT_DATABASE_URL", fresh_database.url("sepakat_operator"))
    assert await asyncio.to_thread(main, ["deliveries", "count"]) == 0
    assert "Clearing is stopped until" in capsys.readouterr().out
    assert await asyncio.to_thread(main, ["deliveries", "allow-clearing", "--for", "1h"]) == 0
    assert "until" in capsys.readouterr().out
    assert await drain_both() == []
    assert await cleared(outbox) == 8, "the operator says that it is genuine"
    assert await outbox.waiting() == 0
    assert await states(outbox) == {("unregistered", "UNREGISTERED"): 16}


async def test_however_many_ask_at_once_the_window_is_one(fresh_database: Database, outbox: Outbox, pool: Pool) -> None:
    holder = await fresh_database.connect()
    await allow_least(outbox, 5)

    async def all_wait() -> bool:
        return bool(
            await outbox.connection.fetchval(
                """SELECT count(*) = 8 FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event_type = 'Lock'"""
            )
        )

    async with holder.transaction():
        await holder.execute("UPDATE clearing SET cleared = cleared")
        claiming = [asyncio.create_task(pool.fetchrow(CLAIM, 2, 0, 2)) for _ in range(8)]
        await eventually(all_wait, 20.0, "all of them wait for the row")
    claims = await asyncio.gather(*claiming)
    await holder.close()
    assert sum(claim["allowed"] for claim in claims if claim) == 5


async def test_the_window_grows_with_what_is_sent(outbox: Outbox, pool: Pool) -> None:
    row = await outbox.connection.fetchrow("SELECT every, least, share FROM clearing")
    assert row is not None
    assert tuple(row) == (timedelta(minutes=10), 20, 0.1), "what the docs say"

    async def claim(wanted: int, sent: int) -> int:
        claimed: int = await pool.fetchval(CLAIM, wanted, 0, sent)
        return claimed

    assert await claim(15, 100) == 15
    assert await claim(15, 100) == 5
    await outbox.connection.execute("UPDATE lanes SET sent = sent + 10 WHERE lane < 30")
    assert await claim(15, 0) == 10, "a tenth of 300"
    assert await claim(50, 500) == 50, "its own batch counts too"
    assert await claim(1, 0) == 0
    await outbox.connection.execute("UPDATE clearing SET began_at = began_at - every")
    assert await claim(25, 0) == 20, "what was sent before the window does not count in it"


async def test_what_is_sent_is_counted(
    fresh_database: Database, add_reachable: AddReachable, drain: LaneDrain, outbox: Outbox
) -> None:
    dwi = await add_reachable("android", "web")
    await post_contributions(fresh_database, [dwi.person], times=3)
    await drain.drain(dwi.lane)
    assert await outbox.connection.fetchval("SELECT sent FROM lanes WHERE lane = $1", dwi.lane) == 6


async def test_the_phone_that_works_gets_no_second_push_because_clearing_is_stopped(
    fresh_database: Database,
    add_reachable: AddReachable,
    drain: LaneDrain,
    simulator: RunningSimulator,
    outbox: Outbox,
) -> None:
    await allow_least(outbox, 0)
    dwi = await add_reachable("android", "ios")
    gone, well = sorted(dwi.devices, key=lambda value: dwi.devices[value])
    simulator.script(gone, *[GONE] * 6)
    await post_contributions(fresh_database, [dwi.person], times=2)
    for _ in range(2):
        await drain.drain(dwi.lane)
        await outbox.due_now()
    assert len(simulator.pushes_to(well)) == 2
    assert await cleared(outbox) == 0
    assert await outbox.waiting() == 2
    await allow_least(outbox, 1)
    await drain.drain(dwi.lane)
    assert await cleared(outbox) == 1
    assert await outbox.waiting() == 0
    assert len(simulator.pushes_to(well)) == 2


async def test_wrong_senders_are_an_alarm_above_a_rate(
    fresh_database: Database,
    add_reachable: AddReachable,
    drain: LaneDrain,
    simulator: RunningSimulator,
    outbox: Outbox,
) -> None:
    await outbox.connection.execute("UPDATE clearing SET mismatches = 2")
    alarms = []
    for _ in range(2):
        dwi = await add_reachable()
        simulator.script(dwi.value, WRONG_SENDER)
        await post_contribution(fresh_database, dwi.person)
        with capture_logs() as said:
            await drain.drain(dwi.lane)
        alarms.append([line["log_level"] for line in said if line["event"] == "push_sender_mismatches"])
    assert alarms == [[], ["error"]]
    assert await states(outbox) == {("unregistered", "SENDER_ID_MISMATCH"): 2}


async def test_our_own_misconfiguration_clears_and_kills_nothing_and_ends_soon_after_it_is_mended(
    fresh_database: Database,
    add_reachable: AddReachable,
    new_drain: NewDrain,
    simulator: RunningSimulator,
    outbox: Outbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """403 and 404 without FcmError, and a key that Google no longer takes; each for a while, then mended."""
    assert deliver.MISCONFIGURED_WAIT_S * 1.25 + SWEEP_S < 30, "and here in fewer seconds"
    monkeypatch.setattr(deliver, "MISCONFIGURED_WAIT_S", 0.2)
    monkeypatch.setattr(push_grants, "_FAILURE_HOLD_S", 0.1)
    people = [await add_reachable() for _ in range(2)]
    good = tmp_path / "good.json"
    shutil.copy(simulator.credentials, good)

    async def goes_on_after(worker: LaneDrain, mend: Callable[[], object]) -> None:
        await post_contributions(fresh_database, [person.person for person in people])
        until = time.monotonic() + 0.4
        while time.monotonic() < until:
            await drain_all(worker, people)
            await asyncio.sleep(0.05)
        assert await outbox.waiting() == 2
        assert await cleared(outbox) == 0
        mend()
        began = time.monotonic()
        while await outbox.waiting():
            assert time.monotonic() - began < 20
            await drain_all(worker, people)
            await asyncio.sleep(0.05)

    for status in (403, 404):
        for person in people:
            simulator.script(person.value, *[{"status": status}] * 50)
        await goes_on_after(new_drain(), lambda: unscript(simulator))
    try:
        simulator.credentials.unlink()
        write_service_account(simulator.credentials, simulator.base_url)  # another key: invalid_grant
        await goes_on_after(new_drain(), lambda: shutil.copy(good, simulator.credentials))
    finally:
        shutil.copy(good, simulator.credentials)
    assert {delivery["state"] for delivery in await outbox.deliveries()} == {"accepted"}
    assert await cleared(outbox) == 0


async def allow_least(outbox: Outbox, least: int) -> None:
    await outbox.connection.execute("UPDATE clearing SET least = $1", least)


async def cleared(outbox: Outbox) -> int:
    count: int = await outbox.connection.fetchval("SELECT count(*) FROM push_targets WHERE cleared_at IS NOT NULL")
    return count


async def states(outbox: Outbox) -> dict[tuple[str, str], int]:
    rows: list[asyncpg.Record] = await outbox.connection.fetch(
        "SELECT state, code, count(*) AS times FROM deliveries GROUP BY state, code"
    )
    return {(row["state"], row["code"]): row["times"] for row in rows}


async def in_two_lanes(outbox: Outbox, people: list[Reachable]) -> None:
    """As if one half of them were of lane 0 and the other of lane 1."""
    half = [person.person.participant_id for person in people[::2]]
    await outbox.connection.execute(
        "UPDATE outbox SET lane = CASE WHEN participant_id = any($1) THEN 0 ELSE 1 END", half
    )


async def drain_all(worker: LaneDrain, people: list[Reachable]) -> None:
    for lane in {person.lane for person in people}:
        await worker.drain(lane)


def unscript(simulator: RunningSimulator) -> None:
    assert http.delete(f"{simulator.base_url}/script").status_code == 204
