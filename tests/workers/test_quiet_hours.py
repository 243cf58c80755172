"""Quiet hours: what may wait goes out in the morning as one push, what may not goes out at night, and nothing is lost."""

from __future__ import annotations

import asyncio
from datetime import datetime, time
from uuid import uuid5
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from app.platform.database import Pool
from tests.conftest import Database
from tests.local.running_simulator import RunningSimulator
from tests.notifications.changes import post_contribution, post_contributions
from tests.workers.conftest import AddReachable, Outbox
from tests.workers.nights import NIGHT, WAIT, WIB, WIT, WITA, Nights, acknowledge, happen, head, read_up_to
from workers.drain_lane import LaneDrain


async def is_quiet_until(
    connection: asyncpg.Connection[asyncpg.Record], hours: str, zone: str, local: str
) -> datetime | None:
    starts, ends = (time.fromisoformat(part) for part in hours.split("-"))
    instant = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone))
    until: datetime | None = await connection.fetchval(
        "SELECT quiet_until($1, $2, $3, $4)", starts, ends, zone, instant
    )
    return until


@pytest.mark.parametrize(("zone", "hours_ahead"), [(WIB, 7), (WITA, 8), (WIT, 9)])
async def test_the_hours_begin_and_end_to_the_microsecond_by_the_clock_where_the_person_lives(
    database: Database, zone: str, hours_ahead: int
) -> None:
    connection = await database.connect()
    for hours, local, until in (
        (NIGHT, "2026-11-28 21:59:59.999999", None),
        (NIGHT, "2026-11-28 22:00:00", "2026-11-29 06:00"),
        (NIGHT, "2026-11-28 23:59:59.999999", "2026-11-29 06:00"),
        (NIGHT, "2026-11-29 00:00:00", "2026-11-29 06:00"),
        (NIGHT, "2026-11-29 05:59:59.999999", "2026-11-29 06:00"),
        (NIGHT, "2026-11-29 06:00:00", None),
        (NIGHT, "2026-12-31 23:00", "2027-01-01 06:00"),
        ("12:30-13:15", "2026-11-28 12:29:59.999999", None),
        ("12:30-13:15", "2026-11-28 12:30", "2026-11-28 13:15"),
        ("12:30-13:15", "2026-11-28 13:15", None),
        ("00:00-06:00", "2026-11-28 00:00", "2026-11-28 06:00"),
        ("00:00-06:00", "2026-11-28 23:59", None),
        ("22:00-00:00", "2026-11-28 23:59", "2026-11-29 00:00"),
        ("22:00-00:00", "2026-11-29 00:00", None),
    ):
        found = await is_quiet_until(connection, hours, zone, local)
        expected = until and datetime.fromisoformat(f"{until}+{hours_ahead:02}:00")
        assert found == expected, (hours, zone, local)
    await connection.close()


async def test_it_is_night_where_the_person_lives_and_the_morning_brings_one_push_that_names_its_range(
    fresh_database: Database,
    add_reachable: AddReachable,
    drain: LaneDrain,
    simulator: RunningSimulator,
    outbox: Outbox,
    nights: Nights,
) -> None:
    sari, dwi = await add_reachable(), await add_reachable("android", "ios", locale="en")
    await nights.choose(sari, quiet=NIGHT, zone=WIB)
    await nights.choose(dwi, quiet=NIGHT, zone=WITA)
    await outbox.connection.execute("DELETE FROM outbox")
    await nights.until("22:01", WITA)  # 21:01 where Sari lives
    before = await head(outbox, dwi.person)
    await post_contributions(fresh_database, [sari.person, dwi.person], times=2)
    last = await post_contribution(fresh_database, dwi.person, bulk=True)
    await outbox.into_lane(dwi.lane)
    await drain.drain(dwi.lane)
    assert len(simulator.pushes_to(sari.value)) == 2
    assert await outbox.waiting() == await nights.resting() == 3
    assert {row["participant_id"] for row in await outbox.deliveries()} == {sari.person.participant_id}
    assert await nights.due_lanes() == [], "nobody looks at them all night"

    await nights.until("05:59", WITA)
    await drain.drain(dwi.lane)
    assert await outbox.waiting() == 3
    await nights.until("06:00", WITA)
    assert await nights.due_lanes() == [dwi.lane]
    await drain.drain(dwi.lane)
    assert await outbox.waiting() == 0
    first = await outbox.connection.fetchval(
        "SELECT cause_id FROM history WHERE participant_id = $1 AND seq = $2", dwi.person.participant_id, before + 1
    )
    for value, device_id in dwi.devices.items():
        [push] = simulator.pushes_to(value)
        delivery_id = uuid5(first, f"digest {device_id}")
        assert push["message"]["data"] == {
            "v": "1",
            "from_seq": str(before + 1),
            "seq": str(before + 3),
            "class": "card",
            "id": str(delivery_id),
        }
        assert push["message"]["android"]["priority"].lower() == "normal"
        assert push["message"]["notification"] == {
            "title": "While you rested",
            "body": "Number of changes: 3. Open the app to read them.",
        }
        noted = [row for row in await outbox.deliveries() if row["device_id"] == device_id]
        assert [(row["state"], row["delivery_id"], row["up_to_seq"]) for row in noted] == [
            ("accepted", delivery_id, before + number) for number in (1, 2, 3)
        ]
        assert noted[2]["cause_id"] == last
    await drain.drain(dwi.lane)
    assert len(simulator.pushes_to(dwi.value)) == 1


async def test_security_merges_and_what_shares_their_cause_go_out_at_night_and_wait_behind_nothing(
    add_reachable: AddReachable, drain: LaneDrain, simulator: RunningSimulator, outbox: Outbox, nights: Nights
) -> None:
    dwi = await add_reachable()
    await nights.choose(dwi, quiet=NIGHT, off=(("card", "push"), ("notice", "push")))
    await outbox.connection.execute("DELETE FROM outbox")
    await nights.until("23:00")
    told = []
    for kind in ("contribution_posted", "merge_proposed", "possible_match_found", "key_removed", "balance_differs"):
        seq = await happen(outbox, dwi.person, kind)
        if kind not in ("contribution_posted", "possible_match_found"):
            told.append(str(seq))
        await drain.drain(dwi.lane)
    assert [push["message"]["data"]["seq"] for push in simulator.pushes_to(dwi.value)] == told
    assert {push["message"]["android"]["priority"].lower() for push in simulator.pushes_to(dwi.value)} == {"high"}
    async with outbox.connection.transaction():
        cause = await outbox.connection.fetchval("SELECT record_cause($1, 'core', 'x')", dwi.person.participant_id)
        await outbox.connection.execute(
            """SELECT append_history(ARRAY[ROW($1::uuid, 'claim_opened', NULL, NULL, $2::uuid, '{}')::history_entry,
                ROW($1::uuid, 'merge_cancelled', NULL, NULL, $2::uuid, '{}')::history_entry])""",
            dwi.person.participant_id,
            cause,
        )
    await drain.drain(dwi.lane)
    assert len(simulator.pushes_to(dwi.value)) == 4
    assert await outbox.waiting() == 0


async def test_what_is_switched_off_is_done_without_a_push(
    fresh_database: Database,
    add_reachable: AddReachable,
    drain: LaneDrain,
    simulator: RunningSimulator,
    outbox: Outbox,
    nights: Nights,
) -> None:
    dwi = await add_reachable()
    await nights.choose(dwi, off=(("card", "push"), ("notice", "mail")))
    await outbox.connection.execute("DELETE FROM outbox")
    await post_contribution(fresh_database, dwi.person)
    await drain.drain(dwi.lane)
    assert simulator.pushes_to(dwi.value) == []
    assert await outbox.deliveries() == []
    assert await outbox.waiting() == 0
    await happen(outbox, dwi.person, "possible_match_found")
    await drain.drain(dwi.lane)
    assert [push["message"]["data"]["class"] for push in simulator.pushes_to(dwi.value)] == ["notice"]


async def test_an_entry_done_with_on_one_phone_is_pushed_to_no_other_and_stops_only_itself(
    fresh_database: Database,
    add_reachable: AddReachable,
    drain: LaneDrain,
    simulator: RunningSimulator,
    outbox: Outbox,
) -> None:
    dwi = await add_reachable("android", "ios")
    phone, other = sorted(dwi.devices, key=lambda value: dwi.devices[value])
    simulator.script(other, WAIT)
    kinds = ("contribution_posted", "merge_proposed", "claim_opened", "merge_executed")
    seqs = [await happen(outbox, dwi.person, kind) for kind in kinds]
    await drain.drain(dwi.lane)
    assert len(simulator.pushes_to(phone)) == 4
    assert len(simulator.pushes_to(other)) == 1
    await acknowledge(outbox, dwi, seqs[0])
    await acknowledge(outbox, dwi, seqs[1])
    await read_up_to(outbox, dwi, seqs[3])
    await outbox.due_now()
    await drain.drain(dwi.lane)
    later = [int(push["message"]["data"]["seq"]) for push in simulator.pushes_to(other)][1:]
    assert later == [seqs[3]], "the claim was read, and a merge that was only read is pushed all the same"
    assert await outbox.waiting() == 0


async def test_hours_that_end_while_a_row_comes_to_rest_release_it_or_keep_it_from_resting(
    fresh_database: Database, add_reachable: AddReachable, outbox: Outbox, nights: Nights, pool: Pool
) -> None:
    dwi = await add_reachable()
    await nights.choose(dwi, quiet=NIGHT)
    await outbox.connection.execute("DELETE FROM outbox")
    await nights.until("23:00")
    await post_contributions(fresh_database, [dwi.person], times=2)
    row, after = await outbox.connection.fetch("SELECT class, participant_id::text, seq FROM outbox ORDER BY seq")
    api = await fresh_database.connect("sepakat_api", entering=dwi.person.participant_id)
    end = "SELECT set_preferences($1, NULL, NULL, 'null', '[]', 'tests')"

    async with pool.acquire() as worker, worker.transaction():
        await worker.execute("SELECT rest_until_morning($1, $2)", dwi.lane, [dict(row)])
        ending = asyncio.create_task(api.execute(end, dwi.person.participant_id))
        await asyncio.sleep(0.1)
        assert not ending.done(), "the change did not wait for the row that comes to rest"
    await ending
    assert await nights.due_lanes() == [dwi.lane]
    assert await nights.resting() == 1

    await nights.choose(dwi, quiet=NIGHT)
    async with api.transaction():
        await api.execute(end, dwi.person.participant_id)
        resting = asyncio.create_task(pool.execute("SELECT rest_until_morning($1, $2)", dwi.lane, [dict(after)]))
        await asyncio.sleep(0.1)
        assert not resting.done(), "the row came to rest under hours that are being ended"
    await resting
    assert await nights.resting() == 1
    await api.close()


async def test_only_the_functions_put_to_rest_and_only_people_choose(
    fresh_database: Database, add_reachable: AddReachable, nights: Nights, pool: Pool
) -> None:
    dwi, other = await add_reachable(), await add_reachable()
    await nights.choose(dwi, quiet=NIGHT)
    for statement in ("UPDATE outbox SET class = 2", "DELETE FROM quiet_hours", "DELETE FROM switched_off"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute(statement)
    owner = await fresh_database.connect()
    with pytest.raises(asyncpg.CheckViolationError, match="preferences_by_function_only"):
        await owner.execute("DELETE FROM quiet_hours")
    with pytest.raises(asyncpg.CheckViolationError, match="security_is_mandatory"):
        await owner.execute("UPDATE entry_kinds SET mandatory = false")
    await owner.close()
    api = await fresh_database.connect("sepakat_api", entering=other.person.participant_id)
    assert await api.fetch("SELECT FROM quiet_hours") == []
    with pytest.raises(asyncpg.CheckViolationError, match="cause_is_of_who_entered"):
        await api.execute("SELECT set_preferences($1, NULL, NULL, 'null', '[]', 'tests')", dwi.person.participant_id)
    await api.close()
