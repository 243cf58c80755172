"""A branch code in place of the code by SMS, and the ways back in when the last key is gone or strangers used up the day."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from tests.answers import code
from tests.conftest import Apps, Database
from tests.feed.conftest import Core
from tests.identity.branch import BRANCH, hand_out, new_code
from tests.identity.test_enrol import code_of, wrong
from tests.people import Person, Phone, add_person, new_kpj


async def ask(phone: Phone, person: Person, **overrides: Any) -> str:
    enrolment_id: str = (await phone.ask_enrolment(person, **overrides)).json()["enrolment_id"]
    return enrolment_id


async def hold(phone: Phone) -> Any:
    return (await phone.get("/v1/me")).json()["hold"]


async def use_up_the_day(phone: Phone, person: Person) -> None:
    """A stranger who knows what was leaked tries until nothing is left."""
    for tries in (3, 3, 3, 1):
        enrolment_id = await ask(phone, person)
        for _ in range(tries):
            await phone.verify(enrolment_id, wrong(code_of(enrolment_id)))


async def test_without_a_phone_on_file_a_branch_code_adds_the_phone_and_brings_no_hold(
    api: httpx.AsyncClient, database: Database, core: Core
) -> None:
    person = await add_person(database, phone=None, phone_since=None)
    phone = Phone(api, "Ponsel Baru")
    phone.device_id = await ask(phone, person)
    verified = await phone.verify_at_branch(
        phone.device_id, (await hand_out(core, person.nik)).lower().replace("-", " ")
    )
    assert (verified.status_code, verified.json()["device_id"]) == (201, phone.device_id), verified.text
    phone.session = verified.json()["session"]
    assert await hold(phone) is None
    added, used = (await phone.get("/v1/inbox", headers={"accept-language": "en"})).json()["entries"][:2]
    assert (added["kind"], used["kind"], used["reach"]) == ("key_added", "branch_code_used", "ladder")
    assert added["cause_id"] == used["cause_id"]
    assert f"The code from {BRANCH} was used to add a phone (“Ponsel Baru”)." in used["body"]
    (row,) = await core.ask(
        """SELECT d.vouched_by = b.code_id AS vouched, b.used_for, b.used_by = d.device_id AS by_it, d.hold_until
        FROM devices AS d JOIN branch_codes AS b USING (participant_id) WHERE d.participant_id = $1""",
        person.participant_id,
    )
    assert tuple(row.values()) == (True, "new_phone", True, None)


async def test_a_branch_code_is_good_once_even_for_ten_at_once(
    api: httpx.AsyncClient, database: Database, core: Core
) -> None:
    person = await add_person(database)
    slip = await hand_out(core, person.nik)
    phones = [Phone(api) for _ in range(10)]
    asked = [await ask(phone, person) for phone in phones]
    answers = await asyncio.gather(
        *(phone.verify_at_branch(one, slip) for phone, one in zip(phones, asked, strict=True))
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [422] * 9
    assert {answer.json()["code"] for answer in answers if answer.status_code == 422} == {"branch_code_invalid"}
    kinds = [entry["kind"] for entry in await core.history(person.nik)]
    assert (kinds.count("key_added"), kinds.count("branch_code_used")) == (1, 1)


async def test_a_code_that_was_replaced_expired_or_anothers_is_worth_nothing(
    fresh_apps: Apps, fresh_core: Core
) -> None:
    person, other = await add_person(fresh_apps.database), await add_person(fresh_apps.database)
    phone = Phone(fresh_apps.api)
    replaced = await hand_out(fresh_core, person.nik)
    live, others = await hand_out(fresh_core, person.nik), await hand_out(fresh_core, other.nik)
    enrolment_id = await ask(phone, person)
    for slip, left in ((replaced, 2), (others, 1)):
        answer = await phone.verify_at_branch(enrolment_id, slip)
        assert (code(answer), answer.json()["tries_left"]) == ((422, "branch_code_invalid"), left)
    await fresh_apps.api.post("/local/clock", json={"advance_s": 3601})
    assert code(await phone.verify_at_branch(await ask(phone, person), live)) == (422, "branch_code_invalid")
    connection = await fresh_apps.database.connect()
    assert await connection.fetchval("SELECT count(*) FROM branch_codes WHERE used_at IS NOT NULL") == 0
    await connection.close()


async def test_a_stranger_gets_the_same_answers_with_a_branch_code_as_the_person_who_mistypes(
    api: httpx.AsyncClient, database: Database, core: Core
) -> None:
    person, other = await add_person(database), await add_person(database)
    slip = await hand_out(core, other.nik)

    async def answers(**overrides: Any) -> list[Any]:
        phone = Phone(api)
        enrolment_id = await ask(phone, person, **overrides)
        tried = [await phone.verify_at_branch(enrolment_id, one) for one in (new_code(), slip, new_code(), new_code())]
        return [(one.status_code, sorted(one.headers), one.json() | {"instance": ""}) for one in tried]

    known = await answers()
    assert [answer[2]["tries_left"] for answer in known] == [2, 1, 0, 0]
    for overrides in ({"kpj": new_kpj()}, {"nik": other.nik}, {"birth_date": "1990-05-18"}):
        assert await answers(**overrides) == known
    nowhere = await Phone(api).verify_at_branch(str(uuid4()), new_code())
    assert nowhere.json() | {"instance": ""} == known[-1][2]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"otp": None, "branch_code": None},
        {"otp": "12345678", "branch_code": "7KQM-2WXE-H9TD-RB4F"},
        {"branch_code": "7KQM-2WXE-H9TD-RB4"},
        {"branch_code": "7KQM-2WXE-H9TD-RB40"},
        {"branch_code": "2" * 41},
        {"branch_code": 2345678923456789},
    ],
    ids=str,
)
async def test_what_is_not_exactly_one_code_is_no_try(
    api: httpx.AsyncClient, database: Database, core: Core, body: dict[str, Any]
) -> None:
    person = await add_person(database)
    phone = Phone(api)
    enrolment_id = await ask(phone, person)
    for _ in range(3):
        answer = await api.post(f"/v1/enrolments/{enrolment_id}/verification", json=body)
        assert code(answer) == (400, "request_invalid")
    slip = await hand_out(core, person.nik)
    assert (await phone.verify_at_branch(enrolment_id, slip)).status_code == 201


async def test_a_code_of_the_living_serves_nobody_after_the_death(
    api: httpx.AsyncClient, database: Database, core: Core
) -> None:
    person = await add_person(database)
    slip, enrolment_id = await hand_out(core, person.nik), await ask(Phone(api), person)
    connection = await database.connect()
    await connection.execute(
        "UPDATE participants SET deceased_on = current_date WHERE participant_id = $1", person.participant_id
    )
    await connection.close()
    assert code(await Phone(api).verify_at_branch(enrolment_id, slip)) == (422, "branch_code_invalid")


# ── What strangers cannot take away, and the ways back ────────────────────────────────────────────────────────────────


async def test_a_strangers_tries_leave_the_owner_every_way_in_but_the_code(
    api: httpx.AsyncClient, database: Database, core: Core
) -> None:
    person = await add_person(database)
    old = await Phone(api, "Ponsel Lama").enrol(person)
    await use_up_the_day(Phone(api, "Ponsel Pencuri"), person)
    new = Phone(api)
    new.device_id = await ask(new, person)
    refused = await new.verify(new.device_id, code_of(new.device_id))
    assert code(refused) == (422, "otp_invalid")
    assert (
        "branch"
        in (
            await api.post(
                f"/v1/enrolments/{new.device_id}/verification",
                json={"otp": code_of(new.device_id)},
                headers={"accept-language": "en"},
            )
        ).json()["detail"]
    ), "the refusal says where to go"
    await old.sign_in()
    assert (await old.approve(new.device_id)).status_code == 200
    await new.sign_in()
    third = Phone(api)
    third.device_id = await ask(third, person)
    for _ in range(2):
        await third.verify_at_branch(third.device_id, new_code())
    slip = await hand_out(core, person.nik)
    assert (await third.verify_at_branch(third.device_id, slip)).status_code == 201


async def test_wrong_branch_codes_are_no_part_of_the_ten(api: httpx.AsyncClient, database: Database) -> None:
    person = await add_person(database)
    phone = Phone(api)
    for _ in range(4):
        enrolment_id = await ask(phone, person)
        for _ in range(3):
            await phone.verify_at_branch(enrolment_id, new_code())
    await phone.enrol(person)


async def test_after_the_last_key_is_gone_a_code_brings_a_hold_and_a_branch_code_none(
    api: httpx.AsyncClient, database: Database, core: Core
) -> None:
    person = await add_person(database)
    lost = await Phone(api).enrol(person)
    assert (
        await lost.delete(f"/v1/devices/{lost.device_id}", await lost.prove("remove_key", lost.device_id))
    ).is_success
    by_sms = await Phone(api, "Lewat SMS").enrol(person)
    held = await hold(by_sms)
    assert held["reason"] == "key_added_recently"
    at_branch = Phone(api, "Lewat cabang")
    at_branch.device_id = await ask(at_branch, person)
    assert (await at_branch.verify_at_branch(at_branch.device_id, await hand_out(core, person.nik))).status_code == 201
    await at_branch.sign_in()
    assert await hold(at_branch) is None
    approved = Phone(api, "Disetujui")
    approved.device_id = await ask(approved, person)
    assert (await at_branch.approve(approved.device_id)).status_code == 200
    await approved.sign_in()
    assert await hold(approved) is None
    told = [entry["kind"] for entry in (await at_branch.get("/v1/inbox")).json()["entries"]]
    assert told.count("key_added") == 4, "every way is told"
    (reach,) = await core.ask("SELECT reach FROM entry_kinds WHERE kind = 'key_added'")
    assert reach["reach"] == "ladder"


async def test_a_key_that_staff_vouched_for_stays_free_when_the_number_is_ported(
    fresh_apps: Apps, fresh_core: Core
) -> None:
    """What came by a code to the number is in doubt; who was seen at a branch is not."""
    person = await add_person(fresh_apps.database)
    phone = Phone(fresh_apps.api)
    phone.device_id = await ask(phone, person)
    assert (await phone.verify_at_branch(phone.device_id, await hand_out(fresh_core, person.nik))).status_code == 201
    connection: asyncpg.Connection[asyncpg.Record] = await fresh_apps.database.connect("sepakat_feed")
    async with connection.transaction():
        cause_id = await connection.fetchval("SELECT record_cause($1, 'core', 'core')", person.participant_id)
        await connection.execute(
            "SELECT record_ported_number($1, current_date - 1, $2, $3)",
            person.participant_id,
            timedelta(days=3),
            cause_id,
        )
    await connection.close()
    await phone.sign_in()
    assert await hold(phone) is None
