"""A push that is not tried again: what makes it one, that it is kept, and how an operator sends it again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest
import pytest_asyncio

from app.cli import main
from app.notifications.dead_letters import Chosen, DeadLetters, open_dead_letters
from app.platform.fcm_replies import QUOTA_FAILURE
from tests.conftest import Database
from tests.local.running_simulator import RunningSimulator
from tests.notifications.changes import post_contribution, post_contributions
from tests.workers.conftest import AddReachable, Outbox, Reachable
from workers.drain_lane import LaneDrain

NewDrain = Callable[[], LaneDrain]
REFUSED = {"status": 400, "error_code": "INVALID_ARGUMENT"}
DEVICE_QUOTA = {"@type": QUOTA_FAILURE, "violations": [{"subject": "device:1"}]}


class Becomes(msgspec.Struct, frozen=True):
    """What an answer of FCM makes of the delivery, of the outbox row and of the target."""

    state: str
    code: str | None
    row_waits: bool = False
    cleared_because: str | None = None
    own_fault: bool = False
    platform: str = "android"


WAITS = "waiting"
TABLE: list[tuple[list[dict[str, Any]], Becomes]] = [
    ([{}], Becomes("accepted", None)),
    ([{"status": 404, "error_code": "UNREGISTERED"}], Becomes("unregistered", "UNREGISTERED", False, "unregistered")),
    ([{"status": 404}], Becomes(WAITS, "misconfigured", row_waits=True)),
    ([{"status": 403}], Becomes(WAITS, "misconfigured", row_waits=True)),
    (
        [{"status": 403, "error_code": "SENDER_ID_MISMATCH"}],
        Becomes("unregistered", "SENDER_ID_MISMATCH", False, "sender_mismatch"),
    ),
    ([REFUSED], Becomes("rejected", "INVALID_ARGUMENT")),
    ([{"status": 429, "error_code": "QUOTA_EXCEEDED"}], Becomes(WAITS, "quota_exceeded", row_waits=True)),
    (
        [{"status": 429, "error_code": "QUOTA_EXCEEDED", "details": [DEVICE_QUOTA]}],
        Becomes(WAITS, "quota_exceeded", row_waits=True, own_fault=True),
    ),
    ([{"status": 503, "error_code": "UNAVAILABLE"}], Becomes(WAITS, "unavailable_503", row_waits=True)),
    ([{"status": 500, "error_code": "INTERNAL"}], Becomes(WAITS, "internal_error", row_waits=True, own_fault=True)),
    ([{"status": 401}, {"status": 401}], Becomes(WAITS, "misconfigured", row_waits=True)),
    (
        [{"status": 401, "error_code": "THIRD_PARTY_AUTH_ERROR"}],
        Becomes(WAITS, "misconfigured", row_waits=True, platform="ios"),
    ),
    ([{"drop": True}], Becomes(WAITS, "unknown_connection_lost", row_waits=True, own_fault=True)),
    ([{"body": "garbage"}], Becomes(WAITS, "unknown_reply", row_waits=True, own_fault=True)),
]


async def test_every_answer_of_fcm_does_to_delivery_row_and_target_what_the_table_says(
    fresh_database: Database,
    add_reachable: AddReachable,
    new_drain: NewDrain,
    simulator: RunningSimulator,
    outbox: Outbox,
) -> None:
    for answers, becomes in TABLE:
        dwi = await add_reachable(becomes.platform)
        simulator.script(dwi.value, *answers)
        await post_contribution(fresh_database, dwi.person)
        await new_drain().drain(dwi.lane)
        row = await outbox.connection.fetchrow(
            """SELECT d.state, d.code, d.failing_s, d.entry_class, t.cleared_because, t.cleared_at,
                EXISTS (SELECT FROM outbox AS o WHERE o.participant_id = d.participant_id) AS row_waits
            FROM deliveries AS d JOIN push_targets AS t USING (participant_id, device_id) WHERE participant_id = $1""",
            dwi.person.participant_id,
        )
        assert row is not None
        found = Becomes(
            row["state"],
            row["code"],
            row["row_waits"],
            row["cleared_because"],
            row["failing_s"] > 0,
            becomes.platform,
        )
        assert found == becomes, answers
        assert (row["cleared_at"] is None) == (becomes.cleared_because is None), answers
        assert row["entry_class"] == "card"
        await outbox.connection.execute("DELETE FROM outbox")


async def test_what_fails_for_an_hour_is_given_up_and_holds_up_nobody(
    fresh_database: Database,
    add_reachable: AddReachable,
    drain: LaneDrain,
    simulator: RunningSimulator,
    outbox: Outbox,
) -> None:
    dwi = await add_reachable()
    simulator.script(dwi.value, *[{"status": 500}] * 3)
    await post_contribution(fresh_database, dwi.person)
    for least in (10, 30):
        await drain.drain(dwi.lane)
        [delivery] = await outbox.deliveries()
        assert least <= delivery["failing_s"] <= least * 1.25
        assert delivery["state"] == "waiting"
        await outbox.due_now()
    await failed_for(outbox, 3599.0)
    await post_contribution(fresh_database, dwi.person)
    await drain.drain(dwi.lane)
    assert await outbox.waiting() == 2, "not an hour yet"
    await failed_for(outbox, 3600.0)
    await outbox.due_now()
    simulator.script(dwi.value, {"status": 500})
    await drain.drain(dwi.lane)
    given_up, later = await outbox.deliveries()
    assert (given_up["state"], given_up["code"]) == ("rejected", "given_up_internal_error")
    assert later["state"] == "accepted"
    assert await outbox.waiting() == 0
    assert await outbox.connection.fetchval("SELECT cleared_at FROM push_targets") is None


async def test_an_outage_kills_no_push_however_long_it_lasts(
    fresh_database: Database,
    add_reachable: AddReachable,
    new_drain: NewDrain,
    simulator: RunningSimulator,
    outbox: Outbox,
) -> None:
    dwi = await add_reachable()
    await post_contribution(fresh_database, dwi.person)
    for status in (503, 429, 403, 404):
        simulator.script(dwi.value, {"status": status})
        await new_drain().drain(dwi.lane)
        await failed_for(outbox, 7200.0)
        await outbox.connection.execute("UPDATE deliveries SET first_tried_at = first_tried_at - interval '2 hours'")
        await outbox.due_now()
    [delivery] = await outbox.deliveries()
    assert (delivery["state"], delivery["attempts"]) == ("waiting", 4)
    await new_drain().drain(dwi.lane)
    assert [delivery["state"] for delivery in await outbox.deliveries()] == ["accepted"]


async def test_a_provider_that_fails_for_all_kills_no_push_although_it_does_not_say_that_it_is_away(
    fresh_database: Database,
    add_reachable: AddReachable,
    drain: LaneDrain,
    simulator: RunningSimulator,
    outbox: Outbox,
) -> None:
    people = [await add_reachable() for _ in range(2)]
    await post_contributions(fresh_database, [person.person for person in people])
    for _ in range(2):
        for person in people:
            simulator.script(person.value, {"status": 500})
            await drain.drain(person.lane)
        await failed_for(outbox, 7200.0)
        await outbox.due_now()
    assert [(row["state"], row["attempts"]) for row in await outbox.deliveries()] == [("waiting", 2)] * 2
    # One of them is taken, so that the other's 500 is its own.
    simulator.script(people[0].value, {"status": 500})
    for person in people[::-1]:
        await drain.drain(person.lane)
    assert sorted(row["state"] for row in await outbox.deliveries()) == ["accepted", "rejected"]


async def test_a_503_for_one_push_while_others_are_taken_is_that_pushs_own(
    fresh_database: Database,
    add_reachable: AddReachable,
    drain: LaneDrain,
    simulator: RunningSimulator,
    outbox: Outbox,
) -> None:
    sari, dwi = await add_reachable(), await add_reachable()
    await post_contribution(fresh_database, sari.person)
    await drain.drain(sari.lane)
    simulator.script(dwi.value, {"status": 503, "retry_after": 1}, {"status": 503, "retry_after": 1})
    await post_contribution(fresh_database, dwi.person)
    await drain.drain(dwi.lane)
    assert await outbox.waiting() == 1
    await failed_for(outbox, 3600.0)
    await asyncio.sleep(1.3)
    await drain.drain(dwi.lane)
    assert await outbox.waiting() == 0
    dead = await outbox.connection.fetchval("SELECT code FROM deliveries WHERE state = 'rejected'")
    assert dead == "given_up_unavailable_503"


async def test_the_operator_lists_counts_and_replays_on_the_command_line(
    fresh_database: Database,
    add_reachable: AddReachable,
    drain: LaneDrain,
    simulator: RunningSimulator,
    outbox: Outbox,
    operator: Operator,
) -> None:
    dwi = await add_reachable()
    simulator.script(dwi.value, *[REFUSED] * 3)
    for bulk in (False, True):
        await post_contribution(fresh_database, dwi.person, bulk=bulk)
    await refused_of_security(outbox, dwi)
    await drain.drain(dwi.lane)
    assert await outbox.waiting() == 0
    climbs = await outbox.connection.fetch("SELECT * FROM climbs ORDER BY channel")

    listed = await operator("list")
    letters = [json.loads(line) for line in listed.out.splitlines()]
    assert {(letter["code"], letter["entry_class"], letter["state"]) for letter in letters} == {
        ("INVALID_ARGUMENT", "card", "rejected"),
        ("INVALID_ARGUMENT", "security", "rejected"),
    }
    assert all(0 <= letter["age_s"] < 60 for letter in letters)
    assert "3 pushes were not delivered" in listed.err
    counted = await operator("count", "--class", "security", "--since", "2026-01-01T00:00+07:00")
    assert "1  INVALID_ARGUMENT  security  the oldest 0 min ago" in counted.out
    assert dwi.value not in listed.out + listed.err + counted.out

    nothing_named = await operator("replay")
    assert (nothing_named.status, nothing_named.out) == (2, "")
    one = await operator("replay", letters[0]["delivery_id"], letters[0]["cause_id"])
    assert "1 pushes are sent again; skipped: 1 not_dead." in one.out
    rest = await operator("replay", "--code", "INVALID")
    assert "2 pushes are sent again; skipped: none." in rest.out
    assert "0 pushes are sent again" in (await operator("replay", "--code", "UNREGISTERED")).out

    rows = await outbox.connection.fetch("SELECT class FROM outbox ORDER BY class")
    assert [row["class"] for row in rows] == [0, 0, 1], "each in the class of its cause"
    await drain.drain(dwi.lane)
    assert await outbox.waiting() == 0
    assert {delivery["state"] for delivery in await outbox.deliveries()} == {"accepted"}
    ids = [push["message"]["data"]["id"] for push in simulator.pushes_to(dwi.value)]
    assert len(ids) == 6
    assert sorted(ids[:3]) == sorted(ids[3:]), "under the ids that they had"
    assert await outbox.connection.fetch("SELECT * FROM climbs ORDER BY channel") == climbs, "and climb no second time"
    assert "0 pushes were not delivered" in (await operator("count")).out


async def test_what_was_read_or_cannot_be_reached_is_skipped_and_said_why(
    fresh_database: Database,
    add_reachable: AddReachable,
    drain: LaneDrain,
    simulator: RunningSimulator,
    outbox: Outbox,
    dead_letters: DeadLetters,
) -> None:
    changes = {
        "target_gone": "UPDATE push_targets SET cleared_at = now() WHERE participant_id = $1",
        "target_changed": "UPDATE push_targets SET set_at = clock_timestamp() WHERE participant_id = $1",
        "read": "INSERT INTO inbox_pointers (participant_id, read_up_to) VALUES ($1, 1000)",
        "acknowledged": """INSERT INTO acknowledgements (participant_id, seq, device_id, acknowledged_at)
            SELECT participant_id, up_to_seq, device_id, now() FROM deliveries WHERE participant_id = $1""",
        "under_way": """INSERT INTO outbox (lane, class, participant_id, seq, cause_id)
            SELECT lane_of(participant_id), 0, participant_id, up_to_seq, cause_id FROM deliveries
            WHERE participant_id = $1""",
        "not_dead": "UPDATE deliveries SET state = 'accepted' WHERE participant_id = $1",
    }
    people = {why: await add_reachable() for why in (*changes, "nothing")}
    for person in people.values():
        simulator.script(person.value, REFUSED)
    await post_contributions(fresh_database, [person.person for person in people.values()])
    for lane in {person.lane for person in people.values()}:
        await drain.drain(lane)
    keys = await outbox.connection.fetch("SELECT participant_id, cause_id, device_id FROM deliveries")
    await outbox.connection.execute("ALTER TABLE outbox DISABLE TRIGGER outbox_by_function_only")
    for why, change in changes.items():
        await outbox.connection.execute(change, people[why].person.participant_id)
    outcomes = {row["participant_id"]: row["outcome"] for row in await replay_by_hand(fresh_database, keys)}
    told = {why: outcomes.get(person.person.participant_id) for why, person in people.items()}
    assert told == {
        **{why: why for why in changes},
        "acknowledged": "read",
        "nothing": "sent_again",
    }
    waits = {row["participant_id"] for row in await outbox.connection.fetch("SELECT participant_id FROM outbox")}
    assert waits == {people[why].person.participant_id for why in ("nothing", "under_way")}
    # What the command tells of the same.
    assert await dead_letters.replay(Chosen()) == {"target_gone": 1, "target_changed": 1, "read": 2, "under_way": 1}


async def test_what_dies_again_during_a_replay_is_not_taken_twice(
    fresh_database: Database,
    add_reachable: AddReachable,
    outbox: Outbox,
    drain: LaneDrain,
    simulator: RunningSimulator,
    dead_letters: DeadLetters,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.notifications.dead_letters.PAGE", 1)
    dwi = await add_reachable()
    simulator.script(dwi.value, *[REFUSED] * 9)
    for _ in range(3):
        await post_contribution(fresh_database, dwi.person)
    await drain.drain(dwi.lane)
    replaying = asyncio.create_task(dead_letters.replay(Chosen()))
    while not replaying.done():
        await drain.drain(dwi.lane)
    assert (await replaying)["sent_again"] == 3


async def test_a_worker_at_the_lane_goes_through_it_once_more(
    fresh_database: Database,
    add_reachable: AddReachable,
    drain: LaneDrain,
    simulator: RunningSimulator,
    outbox: Outbox,
    dead_letters: DeadLetters,
) -> None:
    dwi = await add_reachable()
    simulator.script(dwi.value, REFUSED, {"delay_s": 0.8})
    await post_contribution(fresh_database, dwi.person)
    await drain.drain(dwi.lane)
    await post_contribution(fresh_database, dwi.person)
    draining = asyncio.create_task(drain.drain(dwi.lane))
    await asyncio.sleep(0.3)
    assert await dead_letters.replay(Chosen()) == {"sent_again": 1}
    assert not draining.done()
    await draining
    assert {delivery["state"] for delivery in await outbox.deliveries()} == {"accepted"}


async def test_nobody_but_the_operator_replays_or_allows(fresh_database: Database) -> None:
    for role in ("sepakat_api", "sepakat_worker", "sepakat_feed", "sepakat_staff"):
        connection = await fresh_database.connect(role)
        for call in ("replay_deliveries('{}', '{}', '{}')", "allow_clearing('1 hour')"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"SELECT {call}")
        await connection.close()
        with pytest.raises(asyncpg.PostgresError, match="sepakat_operator"):
            async with open_dead_letters(fresh_database.url(role)):
                pass


async def failed_for(outbox: Outbox, seconds: float) -> None:
    """As if the oldest delivery had failed for so long."""
    await outbox.connection.execute(
        """UPDATE deliveries SET failing_s = $1 WHERE state = 'waiting' AND (participant_id, up_to_seq) IN (
            SELECT participant_id, min(up_to_seq) FROM deliveries GROUP BY participant_id)""",
        seconds,
    )


async def refused_of_security(outbox: Outbox, dwi: Reachable) -> None:
    """Something that climbs: a change by hand."""
    await outbox.connection.execute(
        "UPDATE cards SET lifecycle = 'arrears' WHERE participant_id = $1", dwi.person.participant_id
    )


async def replay_by_hand(database: Database, keys: list[asyncpg.Record]) -> list[asyncpg.Record]:
    """With who each is about, which the command need not know."""
    superuser = await database.connect()
    try:
        return await superuser.fetch(
            """SELECT asked.participant_id, r.outcome
            FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS asked (participant_id, cause_id, device_id)
            CROSS JOIN LATERAL replay_deliveries(ARRAY[asked.participant_id], ARRAY[asked.cause_id],
                ARRAY[asked.device_id]) AS r""",
            *([row[key] for row in keys] for key in ("participant_id", "cause_id", "device_id")),
        )
    finally:
        await superuser.close()


class Said(msgspec.Struct, frozen=True):
    status: int
    out: str
    err: str


class Operator:
    """`sepakat deliveries …` in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    async def __call__(self, *words: str | UUID) -> Said:
        self._capsys.readouterr()
        status = await asyncio.to_thread(main, ["deliveries", *map(str, words)])
        return Said(status, *self._capsys.readouterr())


@pytest.fixture
def operator(fresh_database: Database, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Operator:
    monkeypatch.setenv("SEPAKAT_DATABASE_URL", fresh_database.url("sepakat_operator"))
    return Operator(capsys)


@pytest_asyncio.fixture
async def dead_letters(fresh_database: Database) -> AsyncIterator[DeadLetters]:
    async with open_dead_letters(fresh_database.url("sepakat_operator")) as letters:
        yield letters
