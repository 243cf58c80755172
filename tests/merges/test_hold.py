"""What the agency tells of a person: a ported number begins holds again and moves executions, a death ends open merges."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from app.merges.execute import settle
from app.platform import database as pools
from tests.answers import code, inbox
from tests.cases.reports import reported_merge
from tests.conftest import Apps, Database, settings_for
from tests.feed.conftest import Core, event
from tests.merges.conftest import COOLING_OFF_S, Settle
from tests.people import NewCard, Person, Phone, add_person, days_ago

OLD = NewCard(status="inactive", balance=14_265_493, opened_on=date(2013, 3, 1))
NEW = NewCard(status="active", balance=9_910_352, opened_on=date(2019, 2, 1))
HOLD_S = 259_200
DAY_S = 86_400


async def propose(phone: Phone, person: Person) -> dict[str, Any]:
    answer = await phone.post("/v1/merges", {"absorb": [person.kpjs[0]], "into": person.kpjs[1]})
    assert answer.status_code == 201, answer.text
    merge: dict[str, Any] = answer.json()
    return merge


async def hold_of(phone: Phone) -> datetime | None:
    hold = (await phone.get("/v1/me")).json()["hold"]
    return hold and datetime.fromisoformat(hold["until"])


async def today(database: Database, offset: int = 0) -> str:
    connection = await database.connect()
    day: date = await connection.fetchval("SELECT jakarta_day(current_instant())")
    await connection.close()
    return (day + timedelta(days=offset)).isoformat()


async def port(core: Core, person: Person, on: str) -> dict[str, Any]:
    (result,) = await core.send(event("participant.phone_ported", {"nik": person.nik, "on": on}))
    return result


@pytest.fixture
def core(fresh_apps: Apps) -> Core:
    return Core(fresh_apps.feed, fresh_apps.database)


async def test_a_key_that_came_after_the_port_is_held_and_its_merge_waits(
    fresh_apps: Apps, core: Core, servers: Any
) -> None:
    database, api = fresh_apps.database, fresh_apps.api
    person = await add_person(database, OLD, NEW)
    phone = await Phone(api).enrol(person)
    assert await hold_of(phone) is None, "the first key on a settled phone"
    merge = await propose(phone, person)
    confirmed = (await phone.confirm(merge)).json()

    assert (await port(core, person, await today(database)))["outcome"] == "applied"
    hold = await hold_of(phone)
    assert hold is not None
    delayed = (await phone.get(f"/v1/merges/{merge['id']}")).json()
    assert delayed["state"] == "confirmed"
    assert datetime.fromisoformat(delayed["executes_at"]) == hold
    wait_s = (hold - datetime.fromisoformat(confirmed["confirmed_at"])).total_seconds()
    assert HOLD_S <= wait_s < HOLD_S + 60
    told = await inbox(phone)
    assert [(entry["kind"], entry["reach"]) for entry in told[:2]] == [
        ("merge_delayed", "push"),
        ("phone_ported", "ladder"),
    ]
    assert told[0]["merge_id"] == merge["id"]
    assert "Ponsel Dwi" in told[1]["body"]

    settings = settings_for(database, servers[1], "sepakat_worker")
    pool = await pools.connect(settings.database_url, size=2, application="test worker")
    await api.post("/local/clock", json={"advance_s": COOLING_OFF_S + 1})
    await settle(pool, settings)
    assert (await phone.get(f"/v1/merges/{merge['id']}")).json()["state"] == "confirmed"
    assert (await phone.post(f"/v1/merges/{merge['id']}/cancel", {})).status_code == 200, "she can still cancel"
    again = await propose(phone, person)
    assert code(await phone.confirm(again)) == (403, "hold_in_force")
    await api.post("/local/clock", json={"advance_s": HOLD_S})
    await phone.sign_in()
    fresh = (await phone.post(f"/v1/merges/{again['id']}/plan", {})).json()
    assert (await phone.confirm(fresh)).status_code == 200
    await api.post("/local/clock", json={"advance_s": COOLING_OFF_S + 1})
    await settle(pool, settings)
    await pool.close()
    assert (await phone.get(f"/v1/merges/{again['id']}")).json()["state"] == "executed"


async def test_an_agreement_to_what_the_core_did_waits_too(
    api: httpx.AsyncClient, database: Database, feed: httpx.AsyncClient, settle_due: Settle
) -> None:
    core = Core(feed, database)
    reported = await reported_merge(api, database, core)
    assert (await reported.accept(await reported.plan())).status_code == 200
    await port(core, reported.person, await today(database))
    await settle_due()
    merge = await reported.merge()
    assert (merge["state"], merge["confirmed_at"] is None) == ("reported", False)
    assert datetime.fromisoformat(merge["executes_at"]) == await hold_of(reported.phone)
    assert (await inbox(reported.phone))[0]["kind"] == "merge_delayed"


async def test_an_old_key_stays_free_and_so_does_its_merge(fresh_apps: Apps, core: Core) -> None:
    database, api = fresh_apps.database, fresh_apps.api
    person = await add_person(database, OLD, NEW)
    old = await Phone(api).enrol(person)
    await api.post("/local/clock", json={"advance_s": 4 * DAY_S})
    thief = await Phone(api, "Ponsel Lain").enrol(person)
    await old.sign_in()
    merge = await propose(old, person)
    confirmed = (await old.confirm(merge)).json()
    await api.post("/local/clock", json={"advance_s": 5})
    before = await hold_of(thief)
    assert before is not None

    await port(core, person, await today(database))
    after = await hold_of(thief)
    assert after is not None
    assert after > before, "the hold begins again"
    assert await hold_of(old) is None
    assert (await old.get(f"/v1/merges/{merge['id']}")).json()["executes_at"] == confirmed["executes_at"]
    body = (await inbox(old))[0]["body"]
    assert "Ponsel Lain" in body
    assert "Ponsel Dwi" not in body


async def test_a_key_added_since_is_held_however_late_the_news_comes(fresh_apps: Apps, core: Core) -> None:
    database, api = fresh_apps.database, fresh_apps.api
    person = await add_person(database, OLD, NEW)
    old = await Phone(api).enrol(person)
    await api.post("/local/clock", json={"advance_s": 2 * DAY_S})
    ported_on = await today(database)
    thief = await Phone(api, "Ponsel Lain").enrol(person)
    await api.post("/local/clock", json={"advance_s": 10 * DAY_S})
    await thief.sign_in()
    assert await hold_of(thief) is None
    await port(core, person, ported_on)
    assert await hold_of(thief) is not None
    await old.sign_in()
    assert await hold_of(old) is None


ADD_KEY = """INSERT INTO devices (participant_id, device_id, name, platform, public_key, added_at, vouched_by, cause_id)
    VALUES ($1, $2, $3, 'android', '{}', current_instant(), $4, record_cause($1, 'participant', 'tests'))"""


async def test_what_a_doubtful_key_vouched_for_is_as_doubtful(fresh_apps: Apps, core: Core) -> None:
    database, api = fresh_apps.database, fresh_apps.api
    person = await add_person(database, OLD, NEW)
    old = await Phone(api).enrol(person)
    await api.post("/local/clock", json={"advance_s": 2 * DAY_S})
    thief = await Phone(api, "Ponsel Lain").enrol(person)
    ported_on = await today(database)
    await api.post("/local/clock", json={"advance_s": 4 * DAY_S})  # the hold is over, and it vouches
    connection = await database.connect("sepakat_api", entering=person.participant_id)
    by_old, by_thief, further = uuid4(), uuid4(), uuid4()
    for device_id, vouched_by in (
        (by_old, UUID(old.device_id)),
        (by_thief, UUID(thief.device_id)),
        (further, by_thief),
    ):
        async with connection.transaction():
            await connection.execute(ADD_KEY, person.participant_id, device_id, str(device_id), vouched_by)
    async with connection.transaction():  # the chain goes on through a key that was removed since
        await connection.execute(
            "UPDATE devices SET removed_at = now(), cause_id = record_cause($1, 'participant', 'x')"
            " WHERE participant_id = $1 AND device_id = $2",
            person.participant_id,
            by_thief,
        )
    await port(core, person, ported_on)
    rows = await connection.fetch(
        "SELECT device_id, hold_until FROM devices WHERE participant_id = $1", person.participant_id
    )
    await connection.close()
    held = {row["device_id"] for row in rows if row["hold_until"] is not None}
    assert held == {UUID(thief.device_id), further}


async def test_the_number_counts_as_new_again(fresh_apps: Apps, core: Core) -> None:
    person = await add_person(fresh_apps.database, OLD, NEW)
    assert (await port(core, person, days_ago(3).isoformat()))["outcome"] == "applied"
    first = await Phone(fresh_apps.api).enrol(person)
    assert await hold_of(first) is not None, "a first key, but the number stands for three days only"
    assert (await inbox(first))[1]["kind"] == "phone_ported"


async def test_nothing_hastens_a_confirmed_merge(fresh_apps: Apps) -> None:
    person = await add_person(fresh_apps.database, OLD, NEW)
    phone = await Phone(fresh_apps.api).enrol(person)
    merge = await propose(phone, person)
    await phone.confirm(merge)
    for role in ("sepakat_api", "sepakat_worker", "postgres"):
        connection = await fresh_apps.database.connect(role, entering=person.participant_id)
        with pytest.raises(asyncpg.CheckViolationError) as refused:
            await connection.execute(
                "UPDATE merges SET executes_at = executes_at - interval '1 s' WHERE participant_id = $1 AND merge_id = $2",
                person.participant_id,
                merge["id"],
            )
        assert refused.value.constraint_name == "merge_is_never_hastened"
        await connection.close()


async def test_a_death_ends_what_is_open_and_begins_nothing(fresh_apps: Apps, core: Core) -> None:
    person = await add_person(fresh_apps.database, OLD, NEW)
    phone = await Phone(fresh_apps.api).enrol(person)
    merge = await propose(phone, person)
    await phone.confirm(merge)
    day = days_ago(1).isoformat()
    assert (await core.send(event("participant.deceased", {"nik": person.nik, "on": day})))[0]["outcome"] == "applied"
    cancelled = (await phone.get(f"/v1/merges/{merge['id']}")).json()
    assert (cancelled["state"], cancelled["closed_because"]) == ("cancelled", "participant_deceased")
    told = await inbox(phone)
    assert [(entry["kind"], entry["reach"]) for entry in told[:2]] == [
        ("merge_cancelled", "push"),
        ("participant_deceased", "inbox"),
    ]
    refused = await phone.post("/v1/merges", {"absorb": [person.kpjs[0]], "into": person.kpjs[1]})
    assert (code(refused), refused.json()["reasons"]) == ((422, "merge_not_allowed"), ["participant_deceased"])
    proposal = {"absorb": [person.kpjs[0]], "into": person.kpjs[1], "reason": "x"}
    assert (await core.send(event("merge.proposed", proposal)))[0]["code"] == "merge_not_allowed"

    again = event("participant.deceased", {"nik": person.nik, "on": day})
    assert [(item["outcome"], item["code"]) for item in await core.send(again)] == [("applied", "nothing_changed")]
    other_day = event("participant.deceased", {"nik": person.nik, "on": days_ago(2).isoformat()})
    assert [(item["outcome"], item["code"]) for item in await core.send(other_day)] == [("rejected", "death_known")]
    assert len(await inbox(phone)) == len(told)


@pytest.mark.parametrize("kind", ["participant.deceased", "participant.phone_ported"])
async def test_such_news_is_of_somebody_known_and_of_the_past(fresh_apps: Apps, core: Core, kind: str) -> None:
    person = await add_person(fresh_apps.database, OLD)
    later = (datetime.now(UTC) + timedelta(days=3)).date().isoformat()
    for data, refusal in (
        ({"nik": "3201010101900000", "on": "2026-01-01"}, "participant_unknown"),
        ({"nik": person.nik, "on": later}, "date_in_future"),
        ({"nik": person.nik}, "data_invalid"),
        ({"nik": person.nik, "on": "2026-01-01", "x": 1}, "data_invalid"),
    ):
        (result,) = await core.send(event(kind, data))
        assert (result["outcome"], result["code"]) == ("rejected", refusal), json.dumps(data)
    foreign = event(kind, {"nik": person.nik, "on": "2026-01-01"}, streams={"participant:3201010101900000": 1})
    assert (await core.send(foreign))[0]["code"] == "stream_foreign"
