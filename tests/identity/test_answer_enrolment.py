"""A living phone is asked before a code goes out: it approves with its key, or says that it was not its owner."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio

from app.identity.codes import one_time_code
from app.platform.database import connect
from app.platform.jobs import Jobs
from tests.answers import code, kinds
from tests.conftest import SECRET, Apps, Database
from tests.feed.conftest import Core
from tests.identity.branch import hand_out
from tests.identity.conftest import ASK_FIRST_S
from tests.people import Person, Phone, add_person, days_ago, new_kpj
from workers.ask_phones import ASKS_PER_DAY, ask_phones
from workers.send_codes import SQL as CODES


@pytest_asyncio.fixture
async def dwi(fresh_database: Database) -> Person:
    return await add_person(fresh_database)


@pytest_asyncio.fixture
async def old(asking: httpx.AsyncClient, dwi: Person) -> Phone:
    return await enrolled(asking, dwi, "Ponsel Lama")


async def enrolled(api: httpx.AsyncClient, person: Person, name: str) -> Phone:
    """A phone added by the code from the SMS, after the living ones had their time."""
    phone = Phone(api, name)
    enrolment_id = await ask(phone, person)
    if (await phone.verify(enrolment_id, code_of(enrolment_id))).status_code != 201:
        await wait(api, ASK_FIRST_S)
        assert (await phone.verify(enrolment_id, code_of(enrolment_id))).status_code == 201
    phone.device_id = enrolment_id
    return await phone.sign_in()


async def ask(phone: Phone, person: Person, **overrides: Any) -> str:
    asked = await phone.ask_enrolment(person, **overrides)
    assert asked.status_code == 202, asked.text
    phone.device_id = asked.json()["enrolment_id"]
    return phone.device_id


async def wait(api: httpx.AsyncClient, seconds: int) -> None:
    assert (await api.post("/local/clock", json={"advance_s": seconds})).status_code == 200


async def work(database: Database, valkey_url: str) -> int:
    """What the worker does on the ring, in its role."""
    pool = await connect(database.url("sepakat_worker"), size=2, application="tests")
    jobs = Jobs(valkey_url, SECRET)
    told = await ask_phones(pool, jobs)
    await jobs.close()
    await pool.close()
    return told


@pytest.fixture
def valkey_url(servers: Any) -> str:
    url: str = servers[1].url
    return url


def code_of(enrolment_id: str) -> str:
    return one_time_code(SECRET, UUID(enrolment_id))


async def devices(phone: Phone) -> dict[str, Any]:
    return {device["name"]: device for device in (await phone.get("/v1/devices")).json()["devices"]}


async def test_the_living_phone_is_told_sees_what_waits_and_lets_it_in_without_a_hold(
    asking: httpx.AsyncClient, fresh_database: Database, dwi: Person, old: Phone, valkey_url: str
) -> None:
    new = Phone(asking, "Ponsel Baru")
    enrolment_id = await ask(new, dwi)
    assert await work(fresh_database, valkey_url) == 1
    assert await work(fresh_database, valkey_url) == 0, "asked once"
    entry = (await old.get("/v1/inbox", headers={"accept-language": "en"})).json()["entries"][0]
    assert (entry["kind"], entry["reach"]) == ("key_asked", "push")
    assert "Ponsel Baru" in entry["body"]
    listed = (await old.get("/v1/enrolments")).json()
    (waiting,) = listed["enrolments"]
    assert (waiting["id"], waiting["device_name"], waiting["platform"]) == (enrolment_id, "Ponsel Baru", "android")
    assert waiting.keys() == {"id", "device_name", "platform", "asked_at", "expires_at"}

    assert code(await new.ask_sign_in(await new.challenge("sign_in"))) == (403, "proof_invalid"), "not yet"
    approved = await old.approve(enrolment_id)
    assert (approved.status_code, approved.json()) == (200, {"device_id": enrolment_id}), approved.text
    await new.sign_in()
    assert (await new.get("/v1/me")).json()["hold"] is None
    assert (await kinds(old))[:2] == ["key_added", "key_approved"]
    assert (await old.get("/v1/enrolments")).json()["enrolments"] == []
    vouched = "SELECT vouched_by::text FROM devices WHERE device_id = $1"
    connection = await fresh_database.connect()
    assert await connection.fetchval(vouched, enrolment_id) == old.device_id
    await connection.close()
    assert code(await new.verify(enrolment_id, code_of(enrolment_id))) == (422, "otp_invalid")


async def test_until_approved_the_new_phone_is_as_unknown_as_any(
    asking: httpx.AsyncClient, dwi: Person, old: Phone
) -> None:
    new = Phone(asking)
    await ask(new, dwi)
    stranger = Phone(asking)
    stranger.device_id = str(uuid4())
    answers = []
    for phone in (new, stranger):
        made = await phone.request("POST", "/v1/challenges", json={"purpose": "sign_in", "device_id": phone.device_id})
        refused = await phone.ask_sign_in(made.json()["nonce"])
        answers.append((made.status_code, sorted(made.json()), refused.status_code, refused.json() | {"instance": ""}))
    assert answers[0] == answers[1]


async def test_a_code_is_good_for_its_own_five_minutes_after_the_phone_had_its_minute(
    asking: httpx.AsyncClient, dwi: Person, old: Phone
) -> None:
    new = Phone(asking)
    enrolment_id = await ask(new, dwi)
    early = await new.verify(enrolment_id, code_of(enrolment_id))
    assert (code(early), early.json()["tries_left"]) == ((422, "otp_invalid"), 2), "no code has gone out: it is a guess"
    await wait(asking, ASK_FIRST_S + 299)
    assert (await new.verify(enrolment_id, code_of(enrolment_id))).status_code == 201
    late = await ask(new, dwi)
    await wait(asking, ASK_FIRST_S + 301)
    assert code(await new.verify(late, code_of(late))) == (422, "otp_invalid")


async def test_where_nobody_can_be_asked_the_code_goes_out_at_once_and_the_answer_is_the_same(
    asking: httpx.AsyncClient, fresh_database: Database, dwi: Person
) -> None:
    phone = Phone(asking)
    enrolment_id = await ask(phone, dwi)
    assert (await phone.verify(enrolment_id, code_of(enrolment_id))).status_code == 201
    held = await add_person(fresh_database, phone_since=days_ago(1))
    on_hold = await enrolled(asking, held, "Ponsel yang ditahan")
    assert (await on_hold.get("/v1/me")).json()["hold"] is not None
    second = await ask(Phone(asking), held)
    assert (await phone.verify(second, code_of(second))).status_code == 201, (
        "a key on hold cannot answer, so it is not asked"
    )
    bodies = []
    for person, overrides in ((dwi, {}), (held, {}), (dwi, {"kpj": new_kpj()})):
        asked = await phone.ask_enrolment(person, **overrides)
        lasts = asked.json()["expires_at"]
        connection = await fresh_database.connect()
        bodies.append(
            await connection.fetchval(
                "SELECT extract(epoch FROM $2::text::timestamptz - asked_at)::int FROM enrolments WHERE enrolment_id = $1",
                asked.json()["enrolment_id"],
                lasts,
            )
        )
        await connection.close()
    assert bodies == [ASK_FIRST_S + 300] * 3


async def test_a_refusal_ends_the_code_and_looks_to_the_new_phone_like_a_wrong_one(
    asking: httpx.AsyncClient, dwi: Person, old: Phone
) -> None:
    thief = Phone(asking, "Ponsel Pencuri")
    enrolment_id = await ask(thief, dwi)
    unknown = await ask(Phone(asking), dwi, kpj=new_kpj())
    assert (await old.refuse(enrolment_id)).status_code == 204
    assert (await kinds(old))[0] == "key_refused"
    await wait(asking, ASK_FIRST_S + 1)
    refused, never = [await thief.verify(one, code_of(one)) for one in (enrolment_id, unknown)]
    assert refused.json() | {"instance": ""} == never.json() | {"instance": ""}
    assert code(await old.approve(enrolment_id)) == (404, "enrolment_unknown")
    assert code(await old.refuse(enrolment_id)) == (404, "enrolment_unknown")
    assert (await kinds(old)).count("key_refused") == 1


async def test_no_code_is_due_while_the_phone_is_asked_and_none_after_a_refusal(
    asking: httpx.AsyncClient, fresh_database: Database, dwi: Person, old: Phone
) -> None:
    waiting, refused = await ask(Phone(asking), dwi), await ask(Phone(asking), dwi)
    unasked = await ask(Phone(asking), await add_person(fresh_database))
    assert (await old.refuse(refused)).status_code == 204

    async def due() -> set[str]:
        worker = await fresh_database.connect("sepakat_worker")
        rows = await worker.fetch(CODES["lease"], 50, timedelta(seconds=30), 20)
        await worker.close()
        return {str(row["enrolment_id"]) for row in rows}

    assert await due() == {unasked}
    await wait(asking, ASK_FIRST_S + 1)
    assert await due() == {waiting}
    await wait(asking, 300)
    assert await due() == set()


async def test_staff_who_saw_the_person_are_not_overruled_by_a_refusal(
    asking: httpx.AsyncClient, dwi: Person, old: Phone, fresh_core: Core
) -> None:
    """The living phone may be the stolen one: its thief must not keep the owner out."""
    new = Phone(asking)
    enrolment_id = await ask(new, dwi)
    assert (await old.refuse(enrolment_id)).status_code == 204
    verified = await new.verify_at_branch(enrolment_id, await hand_out(fresh_core, dwi.nik))
    assert verified.status_code == 201, verified.text


async def test_a_key_on_hold_lets_nobody_in_and_keeps_nobody_out(
    asking: httpx.AsyncClient, dwi: Person, old: Phone
) -> None:
    thief = await enrolled(asking, dwi, "Ponsel Pencuri")
    assert (await thief.get("/v1/me")).json()["hold"] is not None
    enrolment_id = await ask(Phone(asking), dwi)
    assert code(await thief.approve(enrolment_id)) == (403, "hold_in_force")
    assert code(await thief.refuse(enrolment_id)) == (403, "hold_in_force")
    await old.sign_in()
    assert (await old.approve(enrolment_id)).status_code == 200


async def test_nobody_answers_for_another_and_no_other_signature_approves(
    asking: httpx.AsyncClient, fresh_database: Database, dwi: Person, old: Phone
) -> None:
    enrolment_id = await ask(Phone(asking), dwi)
    other = await ask(Phone(asking), dwi)
    stranger = await enrolled(asking, await add_person(fresh_database), "Ponsel Lain")
    assert code(await stranger.approve(enrolment_id)) == (404, "enrolment_unknown")
    assert code(await stranger.refuse(enrolment_id)) == (404, "enrolment_unknown")
    assert (await stranger.get("/v1/enrolments")).json()["enrolments"] == []
    never = await stranger.approve(str(uuid4()))
    assert code(never) == (404, "enrolment_unknown")
    for signed in ({"subject_id": other}, {"purpose": "unlock"}, {"device_id": stranger.device_id}):
        assert code(await old.approve(enrolment_id, signed=signed)) == (403, "proof_invalid"), signed
    nonce = await old.challenge("add_key", other)
    assert code(await old.approve(enrolment_id, nonce=nonce)) == (403, "proof_invalid")
    forged = await old.prove("add_key", enrolment_id)
    forged["proof"]["signature"] = stranger.sign({"version": 1})
    assert code(await old.post(f"/v1/enrolments/{enrolment_id}/approval", forged)) == (403, "proof_invalid")
    assert len(await devices(old)) == 1
    assert (await old.approve(enrolment_id)).status_code == 200


async def test_an_expired_enrolment_is_not_answered(asking: httpx.AsyncClient, dwi: Person, old: Phone) -> None:
    enrolment_id = await ask(Phone(asking), dwi)
    await wait(asking, ASK_FIRST_S + 301)
    await old.sign_in()
    assert (await old.get("/v1/enrolments")).json()["enrolments"] == []
    assert code(await old.approve(enrolment_id)) == (404, "enrolment_unknown")


async def test_approval_and_code_at_once_add_one_phone(asking: httpx.AsyncClient, dwi: Person, old: Phone) -> None:
    for _ in range(4):
        new = Phone(asking)
        enrolment_id = await ask(new, dwi)
        await wait(asking, ASK_FIRST_S + 1)
        await old.sign_in()
        approved, verified = await asyncio.gather(
            old.approve(enrolment_id), new.verify(enrolment_id, code_of(enrolment_id))
        )
        assert sorted([approved.status_code // 100, verified.status_code // 100]) == [2, 4], (
            approved.text,
            verified.text,
        )
    assert (await kinds(old)).count("key_added") == 5


async def test_whoever_asks_again_and_again_wears_nobody_down(
    asking: httpx.AsyncClient, fresh_database: Database, dwi: Person, old: Phone, valkey_url: str
) -> None:
    for _ in range(ASKS_PER_DAY + 5):
        await ask(Phone(asking), dwi)
    assert await work(fresh_database, valkey_url) == ASKS_PER_DAY
    assert (await kinds(old)).count("key_asked") == ASKS_PER_DAY
    first = (await old.get("/v1/enrolments?limit=20")).json()
    rest = (await old.get(f"/v1/enrolments?limit=20&cursor={first['next_cursor']}")).json()
    assert len(first["enrolments"]) + len(rest["enrolments"]) == ASKS_PER_DAY + 5, "all can be answered all the same"


async def test_with_nobody_to_ask_nothing_is_told(fresh_apps: Apps, fresh_database: Database, valkey_url: str) -> None:
    person = await add_person(fresh_database)
    await Phone(fresh_apps.api).enrol(person)
    await Phone(fresh_apps.api).ask_enrolment(person)
    assert await work(fresh_database, valkey_url) == 0
