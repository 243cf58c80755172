"""Quiet hours: what may wait goes out in the morning as one push, what may not goes out at night, and nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, time
from uuid import uuid5
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from app.platform.database import Pool
from tests.conftest import Database
from tests.local.running_simulator import RunningSimulator
from tests.notifications.changes import post_contribution, post_contributions
from tests.people import Person
from tests.workers.conftest import AddReachable, Outbox, Reachable
from tests.workers.nights import WIB, WIT, WITA, Nights
from workers.drain_lane import LaneDrain

NIGHT = "22:00-06:00"
QUOTA = {
    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
    "violations": [{"subject": "device:1", "description": "Device message rate exceeded"}],
}
WAIT = {"status": 429, "error_code": "QUOTA_EXCEEDED", "details": [QUOTA], "retry_after": 30}


@pytest.fixture
def nights(fresh_database: Database, outbox: Outbox, pool: Pool) -> Nights:
    return Nights(fresh_database, outbox, pool)


async def happen(outbox: Outbox, person: Person, kind: str) -> int:
    """An entry of this kind, with a cause of its own. Its seq."""
    async with outbox.connection.transaction():
        cause = await outbox.connection.fetchval("SELECT record_cause($1, 'core', 'tests')", person.participant_id)
        await outbox.connection.execute(
            "SELECT append_history(ARRAY[ROW($1::uuid, $2::text, NULL, NULL, $3::uuid, '{}')::history_entry])",
            person.participant_id,
            kind,
            cause,
        )
    return await head(outbox, person)


async def head(outbox: Outbox, person: Person) -> int:
    seq: int = await outbox.connection.fetchval(
        "SELECT seq FROM participant_heads WHERE participant_id = $1", person.participant_id
    )
    return seq


async def acknowledge(outbox: Outbox, who: Reachable, seq: int) -> None:
    await outbox.connection.execute(
        "INSERT INTO acknowledgements VALUES ($1, $2, $3, now())",
        who.person.participant_id,
        seq,
        who.devices[who.value],
    )


async def read_up_to(outbox: Outbox, who: Reachable, seq: int) -> None:
    await outbox.connection.execute(
        "INSERT INTO inbox_pointers VALUES ($1, $2) ON CONFLICT (participant_id) DO UPDATE SET read_up_to = $2",
        who.person.participant_id,
        seq,
    )


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
