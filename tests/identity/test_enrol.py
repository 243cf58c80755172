from __future__ import annotations

import asyncio
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from app.identity.codes import one_time_code
from tests.conftest import SECRET, Apps, Database
from tests.people import NewCard, Person, Phone, add_person, days_ago, new_kpj, new_nik


def code_of(enrolment_id: str) -> str:
    return one_time_code(SECRET, UUID(enrolment_id))


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**8:08d}"


async def entries_of(database: Database, person: Person) -> list[Any]:
    connection = await database.connect()
    rows = await connection.fetch(
        """SELECT h.kind, c.origin, c.actor, d.data::jsonb ->> 'device_name' AS device_name
        FROM history h JOIN causes c USING (participant_id, cause_id) JOIN history_data d USING (participant_id, seq)
        WHERE h.participant_id = $1 ORDER BY h.seq""",
        person.participant_id,
    )
    await connection.close()
    return rows


async def test_who_reads_the_code_on_the_phone_on_file_has_a_new_phone_and_an_entry_says_so(
    api: httpx.AsyncClient, database: Database
) -> None:
    person = await add_person(database)
    phone = await Phone(api, "Ponsel baru").enrol(person)
    assert set(phone.session) == {
        "session_id",
        "access_token",
        "access_expires_at",
        "refresh_token",
        "refresh_expires_at",
    }
    last = (await entries_of(database, person))[-1]
    assert tuple(last) == ("key_added", "participant", phone.device_id, "Ponsel baru")
    assert (await phone.get("/v1/me")).status_code == 200


async def test_any_number_ever_held_identifies(api: httpx.AsyncClient, database: Database) -> None:
    person = await add_person(database, NewCard(), NewCard(), NewCard(status="active"))
    for kpj in person.kpjs:
        await Phone(api).enrol(person, kpj=kpj)


async def answers_to_three_wrong_codes(phone: Phone, person: Person, **overrides: Any) -> list[Any]:
    asked = await phone.ask_enrolment(person, **overrides)
    enrolment = asked.json()
    answers: list[Any] = [asked.status_code, sorted(enrolment), sorted(asked.headers), len(asked.content)]
    for _ in range(4):
        tried = await phone.verify(enrolment["enrolment_id"], wrong(code_of(enrolment["enrolment_id"])))
        answers.append((tried.status_code, tried.json() | {"instance": ""}))
    return answers


async def test_a_stranger_gets_the_same_answers_as_the_person_who_mistypes(
    api: httpx.AsyncClient, database: Database
) -> None:
    person, other = await add_person(database), await add_person(database)
    dead = await add_person(database, deceased_on=date(2024, 1, 1))
    phone = Phone(api)
    known = await answers_to_three_wrong_codes(phone, person)
    assert [answer[1]["tries_left"] for answer in known[4:]] == [2, 1, 0, 0]
    strangers: list[tuple[Person, dict[str, str]]] = [
        (person, {"nik": new_nik(person.birth_date)}),
        (person, {"nik": other.nik}),
        (person, {"kpj": new_kpj()}),
        (person, {"kpj": other.kpjs[0]}),
        (person, {"birth_date": "1990-05-18"}),
        (dead, {}),
    ]
    for somebody, overrides in strangers:
        assert await answers_to_three_wrong_codes(phone, somebody, **overrides) == known


@pytest.mark.parametrize("said", ["birth_date", "nik", "kpj", "death"])
async def test_the_right_code_adds_nothing_unless_all_that_was_said_is_true_of_one_living_person(
    api: httpx.AsyncClient, database: Database, said: str
) -> None:
    person = await add_person(database, deceased_on=date(2024, 1, 1) if said == "death" else None)
    twin = await add_person(database)
    untrue = {"birth_date": "1991-01-01", "nik": twin.nik, "kpj": twin.kpjs[0]}
    phone = Phone(api)
    asked = await phone.ask_enrolment(person, **({said: untrue[said]} if said in untrue else {}))
    enrolment_id = asked.json()["enrolment_id"]
    refused = await phone.verify(enrolment_id, code_of(enrolment_id))
    assert (refused.status_code, refused.json()["code"]) == (422, "otp_invalid")
    for one in (person, twin):
        kinds = [entry["kind"] for entry in await entries_of(database, one)]
        assert kinds == ["participant_registered", "card_opened"]


async def test_a_code_allows_three_tries_even_when_thirty_come_at_once(
    api: httpx.AsyncClient, database: Database
) -> None:
    person = await add_person(database)
    phone = Phone(api)
    enrolment_id = (await phone.ask_enrolment(person)).json()["enrolment_id"]
    guess = wrong(code_of(enrolment_id))
    answers = await asyncio.gather(*(phone.verify(enrolment_id, guess) for _ in range(30)))
    assert {answer.status_code for answer in answers} == {422}
    left = sorted(answer.json()["tries_left"] for answer in answers)
    assert left == [0] * 28 + [1, 2]
    assert (await phone.verify(enrolment_id, code_of(enrolment_id))).status_code == 422


async def test_a_code_adds_one_phone_once(api: httpx.AsyncClient, database: Database) -> None:
    person = await add_person(database)
    phone = Phone(api)
    enrolment_id = (await phone.ask_enrolment(person)).json()["enrolment_id"]
    answers = await asyncio.gather(*(phone.verify(enrolment_id, code_of(enrolment_id)) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [201] + [422] * 9
    assert [entry["kind"] for entry in await entries_of(database, person)].count("key_added") == 1


async def test_a_phone_that_lost_the_answer_signs_in_with_the_enrolments_id(
    api: httpx.AsyncClient, database: Database
) -> None:
    person = await add_person(database)
    phone = Phone(api)
    phone.device_id = (await phone.ask_enrolment(person)).json()["enrolment_id"]
    assert (await phone.verify(phone.device_id, code_of(phone.device_id))).json()["device_id"] == phone.device_id
    await phone.sign_in()


async def test_an_enrolment_that_does_not_exist_has_no_tries_left(api: httpx.AsyncClient) -> None:
    answer = await Phone(api).verify(str(uuid4()), "12345678")
    assert (answer.status_code, answer.json()["code"], answer.json()["tries_left"]) == (422, "otp_invalid", 0)


async def test_a_code_is_good_for_five_minutes(fresh_apps: Apps) -> None:
    person = await add_person(fresh_apps.database)
    phone = Phone(fresh_apps.api)
    enrolment_id = (await phone.ask_enrolment(person)).json()["enrolment_id"]
    await fresh_apps.api.post("/local/clock", json={"advance_s": 301})
    answer = await phone.verify(enrolment_id, code_of(enrolment_id))
    assert (answer.status_code, answer.json()["tries_left"]) == (422, 0)
    await phone.enrol(person)


async def test_ten_tries_a_day_and_not_one_more_until_tomorrow(fresh_apps: Apps) -> None:
    person = await add_person(fresh_apps.database)
    phone = Phone(fresh_apps.api)
    for tries in (3, 3, 3, 1):
        enrolment_id = (await phone.ask_enrolment(person)).json()["enrolment_id"]
        for _ in range(tries):
            await phone.verify(enrolment_id, wrong(code_of(enrolment_id)))
    stranger = (await phone.ask_enrolment(person, kpj=new_kpj())).json()["enrolment_id"]
    fourth = (await phone.ask_enrolment(person)).json()["enrolment_id"]
    refused = await phone.verify(fourth, code_of(fourth))
    refused_stranger = await phone.verify(stranger, code_of(stranger))
    assert refused.json() | {"instance": ""} == refused_stranger.json() | {"instance": ""}
    assert refused.json()["code"] == "otp_invalid"
    await fresh_apps.api.post("/local/clock", json={"advance_s": 86_400})
    await phone.enrol(person)


async def test_a_first_key_on_a_settled_phone_is_free_and_every_other_waits_three_days(fresh_apps: Apps) -> None:
    api, database = fresh_apps.api, fresh_apps.database

    async def hold(person: Person) -> Any:
        phone = await Phone(api).enrol(person)
        return (await phone.get("/v1/me")).json()["hold"]

    settled = await add_person(database, phone_since=days_ago(30))
    assert await hold(settled) is None
    second = await hold(settled)
    assert second["reason"] == "key_added_recently"
    connection = await database.connect()
    waits = await connection.fetchval(
        "SELECT $1::text::timestamptz - current_instant() BETWEEN '71:59:00' AND '72:00:00'", second["until"]
    )
    await connection.close()
    assert waits
    assert await hold(await add_person(database, phone_since=days_ago(29))) is not None
    assert await hold(await add_person(database, phone_since=None)) is not None


async def test_two_first_phones_at_once_are_not_both_the_first(api: httpx.AsyncClient, database: Database) -> None:
    person = await add_person(database)
    phones = await asyncio.gather(*(Phone(api).enrol(person) for _ in range(4)))
    holds = [(await phone.get("/v1/me")).json()["hold"] for phone in phones]
    assert sum(hold is None for hold in holds) == 1


@pytest.mark.parametrize(
    "overrides",
    [
        {"nik": "123"},
        {"nik": "12345678901234567"},
        {"nik": "123456789012345a"},
        {"nik": "1234567890123456\n"},
        {"nik": 1234567890123456},
        {"kpj": ""},
        {"kpj": "9" * 16},
        {"kpj": "99000-00011"},
        {"birth_date": "17-05-1990"},
        {"birth_date": "1990-02-30"},
        {"birth_date": None},
        {"device": {}},
        {"phone": "+62812"},
    ],
    ids=str,
)
async def test_a_malformed_enrolment_is_refused(
    api: httpx.AsyncClient, database: Database, overrides: dict[str, Any]
) -> None:
    person = await add_person(database)
    answer = await Phone(api).ask_enrolment(person, **overrides)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


@pytest.mark.parametrize(
    "change",
    [{"crv": "P-384"}, {"x": "A" * 43}, {"x": "A" * 42}, {"y": "A" * 42 + "="}, {"d": "A" * 43}, {"kty": "oct"}],
    ids=str,
)
async def test_a_key_that_is_no_public_key_on_p256_is_refused(
    api: httpx.AsyncClient, database: Database, change: dict[str, str]
) -> None:
    person = await add_person(database)
    phone = Phone(api)
    device = {"name": "x", "platform": "android", "public_key": phone.public_key | change}
    answer = await phone.ask_enrolment(person, device=device)
    assert (answer.status_code, answer.json()["code"]) == (400, "request_invalid")
    assert answer.json()["errors"]


@pytest.mark.parametrize("otp", ["", "1234567", "123456789", "abcdefgh", "١٢٣٤٥٦٧٨", "1234567\n", 12345678, None])
async def test_what_is_not_eight_digits_is_no_try(api: httpx.AsyncClient, database: Database, otp: Any) -> None:
    person = await add_person(database)
    phone = Phone(api)
    enrolment_id = (await phone.ask_enrolment(person)).json()["enrolment_id"]
    for _ in range(3):
        assert (await phone.verify(enrolment_id, otp)).status_code == 400
    assert (await phone.verify(enrolment_id, code_of(enrolment_id))).status_code == 201
