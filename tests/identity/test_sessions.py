from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.answers import code
from tests.conftest import Apps, Database
from tests.people import Phone, add_person

SOME_ID = "01937f5e-7a40-7cc1-8f6e-3a2b1c0d9e8f"


async def test_a_phone_signs_in_with_its_key(api: httpx.AsyncClient, database: Database) -> None:
    phone = await Phone(api).enrol(await add_person(database))
    first = phone.session
    await phone.sign_in()
    assert phone.session["session_id"] != first["session_id"]
    assert (await phone.get("/v1/me")).status_code == 200


async def test_a_nonce_signs_in_once(api: httpx.AsyncClient, database: Database) -> None:
    phone = await Phone(api).enrol(await add_person(database))
    nonce = await phone.challenge("sign_in")
    answers = await asyncio.gather(*(phone.ask_sign_in(nonce) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9
    assert code(await phone.ask_sign_in(nonce)) == (409, "challenge_spent")


async def test_a_wrong_signature_spends_the_nonce(api: httpx.AsyncClient, database: Database) -> None:
    phone = await Phone(api).enrol(await add_person(database))
    nonce = await phone.challenge("sign_in")
    assert code(await phone.ask_sign_in(nonce, version=2)) == (403, "proof_invalid")
    assert code(await phone.ask_sign_in(nonce)) == (409, "challenge_spent")


async def test_a_nonce_of_another_purpose_or_phone_signs_nobody_in(api: httpx.AsyncClient, database: Database) -> None:
    phone = await Phone(api).enrol(await add_person(database))
    other = await Phone(api).enrol(await add_person(database))
    assert code(await phone.ask_sign_in(await phone.challenge("merge", uuid4()))) == (403, "proof_invalid")
    assert code(await phone.ask_sign_in(await other.challenge("sign_in"))) == (403, "proof_invalid")
    assert code(await phone.ask_sign_in("A" * 43)) == (403, "proof_invalid")


async def test_another_key_signs_nobody_in_and_an_unknown_phone_reads_the_same(
    api: httpx.AsyncClient, database: Database
) -> None:
    phone = await Phone(api).enrol(await add_person(database))
    thief, nobody = Phone(api), Phone(api)
    thief.device_id, nobody.device_id = phone.device_id, str(uuid4())
    answers = [await one.ask_sign_in(await one.challenge("sign_in")) for one in (thief, nobody)]
    assert [code(answer) for answer in answers] == [(403, "proof_invalid")] * 2
    assert answers[0].json() | {"instance": ""} == answers[1].json() | {"instance": ""}


async def test_a_challenge_lives_five_minutes(fresh_apps: Apps) -> None:
    phone = await Phone(fresh_apps.api).enrol(await add_person(fresh_apps.database))
    nonce = await phone.challenge("sign_in")
    await fresh_apps.api.post("/local/clock", json={"advance_s": 301})
    assert code(await phone.ask_sign_in(nonce)) == (403, "challenge_expired")


async def test_challenges_other_than_for_signing_in_need_a_session(api: httpx.AsyncClient) -> None:
    answer = await api.post("/v1/challenges", json={"purpose": "merge", "subject_id": str(uuid4())})
    assert code(answer) == (401, "not_signed_in")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"purpose": "sign_in", "device_id": "x"},
        {
            "purpose": "sign_in",
            "device_id": SOME_ID,
            "subject_id": SOME_ID,
        },
        {"purpose": "refresh"},
        {"purpose": "merge"},
        {
            "purpose": "merge",
            "subject_id": SOME_ID,
            "device_id": SOME_ID,
        },
    ],
    ids=str,
)
async def test_a_malformed_challenge_is_refused(
    api: httpx.AsyncClient, database: Database, body: dict[str, Any]
) -> None:
    phone = await Phone(api).enrol(await add_person(database))
    assert code(await phone.post("/v1/challenges", body)) == (400, "request_invalid")


async def test_an_access_token_expires_and_a_refresh_renews_it(fresh_apps: Apps) -> None:
    phone = await Phone(fresh_apps.api).enrol(await add_person(fresh_apps.database))
    await fresh_apps.api.post("/local/clock", json={"advance_s": 600})
    assert code(await phone.get("/v1/me")) == (401, "token_expired")
    await phone.refresh()
    assert (await phone.get("/v1/me")).status_code == 200


async def test_a_session_left_alone_for_thirty_days_is_over(fresh_apps: Apps) -> None:
    phone = await Phone(fresh_apps.api).enrol(await add_person(fresh_apps.database))
    await fresh_apps.api.post("/local/clock", json={"advance_s": 20 * 86_400})
    await phone.refresh()
    await fresh_apps.api.post("/local/clock", json={"advance_s": 20 * 86_400})
    await phone.refresh()
    await fresh_apps.api.post("/local/clock", json={"advance_s": 31 * 86_400})
    assert code(await phone.ask_refresh()) == (401, "not_signed_in")


async def test_a_phone_whose_answer_was_lost_asks_again_and_gets_the_same_token(
    api: httpx.AsyncClient, database: Database
) -> None:
    phone = await Phone(api).enrol(await add_person(database))
    old = phone.session["refresh_token"]
    lost = (await phone.ask_refresh(old)).json()["session"]
    again = (await phone.ask_refresh(old)).json()["session"]
    assert lost["refresh_token"] == again["refresh_token"] != old
    assert lost["refresh_expires_at"] == again["refresh_expires_at"]


async def test_a_token_older_than_the_one_before_ends_the_session_and_is_told(
    api: httpx.AsyncClient, database: Database
) -> None:
    person = await add_person(database)
    phone = await Phone(api).enrol(person)
    old = phone.session["refresh_token"]
    await phone.refresh()
    await phone.refresh()
    answers = await asyncio.gather(*(phone.ask_refresh(old) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {401}
    assert "refresh_token_reused" in {answer.json()["code"] for answer in answers}
    assert code(await phone.get("/v1/me")) == (401, "not_signed_in")
    assert code(await phone.ask_refresh()) == (401, "not_signed_in")
    connection = await database.connect()
    kinds = await connection.fetch("SELECT kind FROM history WHERE participant_id = $1", person.participant_id)
    queued = await connection.fetchval("SELECT count(*) FROM outbox WHERE participant_id = $1", person.participant_id)
    await connection.close()
    assert [row["kind"] for row in kinds].count("session_ended_for_reuse") == 1
    assert queued == len(kinds)
    await phone.sign_in()


async def test_an_old_token_without_the_key_ends_nothing(api: httpx.AsyncClient, database: Database) -> None:
    phone = await Phone(api).enrol(await add_person(database))
    old = phone.session["refresh_token"]
    await phone.refresh()
    await phone.refresh()
    thief = Phone(api)
    thief.device_id = phone.device_id
    assert code(await thief.ask_refresh(old)) == (403, "proof_invalid")
    await phone.refresh()


@pytest.mark.parametrize("token", ["", "x", "A" * 96, "é", "=" * 10])
async def test_a_forged_refresh_token_is_nobodys(api: httpx.AsyncClient, database: Database, token: str) -> None:
    phone = await Phone(api).enrol(await add_person(database))
    proof = phone.proof({})
    answer = await api.post("/v1/sessions/refresh", json={"refresh_token": token, "proof": proof})
    assert code(answer) == (401, "not_signed_in")


async def test_an_access_token_is_no_refresh_token_and_the_other_way_round(
    api: httpx.AsyncClient, database: Database
) -> None:
    phone = await Phone(api).enrol(await add_person(database))
    assert code(await phone.ask_refresh(phone.session["access_token"])) == (401, "not_signed_in")
    phone.session["access_token"] = phone.session["refresh_token"]
    assert code(await phone.get("/v1/me")) == (401, "not_signed_in")


async def test_i_see_where_i_am_signed_in_newest_first(api: httpx.AsyncClient, database: Database) -> None:
    person = await add_person(database)
    first = await Phone(api, "Ponsel lama").enrol(person)
    second = await Phone(api, "Ponsel baru").enrol(person)
    listed = (await second.get("/v1/sessions")).json()
    assert [(one["device_name"], one["current"]) for one in listed["sessions"]] == [
        ("Ponsel baru", True),
        ("Ponsel lama", False),
    ]
    assert listed["next_cursor"] is None
    page = (await first.get("/v1/sessions?limit=1")).json()
    rest = (await first.get(f"/v1/sessions?limit=1&cursor={page['next_cursor']}")).json()
    assert [one["current"] for one in page["sessions"] + rest["sessions"]] == [False, True]
    assert rest["next_cursor"] is None


async def test_signing_out_ends_the_session_at_once(api: httpx.AsyncClient, database: Database) -> None:
    phone = await Phone(api).enrol(await add_person(database))
    assert (await phone.delete("/v1/sessions/current")).status_code == 204
    assert code(await phone.get("/v1/me")) == (401, "not_signed_in")
    assert code(await phone.ask_refresh()) == (401, "not_signed_in")


async def test_i_can_sign_another_phone_out(api: httpx.AsyncClient, database: Database) -> None:
    person = await add_person(database)
    mine, lost = await Phone(api).enrol(person), await Phone(api).enrol(person)
    path = f"/v1/sessions/{lost.session['session_id']}"
    for _ in range(2):
        assert (await mine.delete(path)).status_code == 204
    assert code(await lost.get("/v1/me")) == (401, "not_signed_in")
    assert (await mine.get("/v1/me")).status_code == 200


async def test_a_strangers_session_and_none_at_all_read_the_same(api: httpx.AsyncClient, database: Database) -> None:
    phone = await Phone(api).enrol(await add_person(database))
    stranger = await Phone(api).enrol(await add_person(database))
    answers = [await phone.delete(f"/v1/sessions/{one}") for one in (stranger.session["session_id"], uuid4())]
    assert [code(answer) for answer in answers] == [(404, "session_unknown")] * 2
    assert answers[0].json() | {"instance": ""} == answers[1].json() | {"instance": ""}
    assert (await stranger.get("/v1/me")).status_code == 200


async def test_me_shows_the_last_four_digits_of_the_identity_number(api: httpx.AsyncClient, database: Database) -> None:
    person = await add_person(database, email="dwi@example.id")
    phone = await Phone(api).enrol(person)
    me = await phone.get("/v1/me")
    assert me.json() == {
        "participant_id": str(person.participant_id),
        "name": person.name,
        "nik": "•" * 12 + person.nik[-4:],
        "phone": f"•••{str(person.phone)[-3:]}",
        "email": "d•••@example.id",
        "locale": "id",
        "time_zone": "Asia/Jakarta",
        "device_id": phone.device_id,
        "passkey_id": None,
        "hold": None,
        "quiet_hours": None,
        "channels": {name: {"push": True, "email": True, "sms": True} for name in ("card", "notice")},
    }
    assert person.nik not in me.text


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer x", "Basic eA==", "Bearer é", "Bearer " + "A" * 96])
async def test_without_a_token_nobody_is_signed_in(api: httpx.AsyncClient, header: str | None) -> None:
    headers = {} if header is None else {b"authorization": header.encode("latin-1")}
    assert code(await api.get("/v1/me", headers=headers)) == (401, "not_signed_in")
