"""Another phone number or e-mail address: a code to the new one, a notice to the old one, a hold, and no card touched."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from app.identity.statements import canonical, decode_nonce, subject_statement
from tests.answers import inbox
from tests.conftest import Apps, Database
from tests.identity.contact_codes import NEW_EMAIL, NEW_PHONE, ask_change, change, code_for, type_code
from tests.passkeys.authenticator import add_passkey
from tests.people import NewCard, Person, Phone, add_person, days_ago, seal

HOLD = timedelta(hours=72)
TWO_CARDS = (NewCard(balance=14_265_493), NewCard(balance=9_910_352, status="active"))


async def ask_database(database: Database, sql: str, *values: Any) -> list[asyncpg.Record]:
    connection = await database.connect()
    try:
        return await connection.fetch(sql, *values)
    finally:
        await connection.close()


async def messages(database: Database, person: Person) -> list[tuple[str, str]]:
    rows = await ask_database(
        database,
        "SELECT what, channel FROM contact_messages WHERE participant_id = $1 ORDER BY what, channel",
        person.participant_id,
    )
    return [tuple(row) for row in rows]


async def dwi(database: Database, api: httpx.AsyncClient, **options: Any) -> tuple[Person, Phone]:
    person = await add_person(database, *TWO_CARDS, email="dwi@example.id", **options)
    return person, await Phone(api).enrol(person)


async def test_a_new_number_takes_its_code_and_the_old_one_hears_of_it(
    database: Database, api: httpx.AsyncClient
) -> None:
    person, phone = await dwi(database, api)
    cards = (await phone.get("/v1/cards")).json()["cards"]
    asked = await ask_change(phone, person, phone="0812-0098-7021")
    assert asked.status_code == 202, asked.text
    assert (asked.json()["phone"], asked.json()["email"]) == ("•••021", None)
    assert (await inbox(phone))[0]["kind"] == "contact_change_asked"
    assert (await phone.get("/v1/me")).json()["phone"] == f"•••{str(person.phone)[-3:]}", "nothing has changed"

    applied = await type_code(phone, await code_for(database, person, "phone"))
    assert applied.status_code == 200, applied.text
    assert (applied.json()["contact"], applied.json()["value"]) == ("phone", "•••021")
    me = (await phone.get("/v1/me")).json()
    assert (me["phone"], me["email"]) == ("•••021", "d•••@example.id")
    assert datetime.fromisoformat(me["hold"]["until"]) == datetime.fromisoformat(applied.json()["hold_until"])
    told = (await inbox(phone))[0]
    assert (told["kind"], told["reach"], told["severity"]) == ("contact_changed", "ladder", "critical")
    assert f"•••{str(person.phone)[-3:]}" in told["body"]
    assert "•••021" in told["body"]
    assert await messages(database, person) == [("code", "phone"), ("notice", "phone")]
    [row] = await ask_database(
        database,
        "SELECT phone_since = jakarta_day(current_instant()) AS since FROM participants WHERE participant_id = $1",
        person.participant_id,
    )
    assert row["since"], "the number counts as new from today"
    assert (await phone.get("/v1/cards")).json()["cards"] == cards


async def test_the_export_tells_of_it_and_no_table_or_entry_has_the_contact_in_the_open(
    fresh_apps: Apps,
) -> None:
    database = fresh_apps.database
    person, phone = await dwi(database, fresh_apps.api)
    await change(phone, database, person, email=NEW_EMAIL)
    export = (await phone.get("/v1/me/export")).json()["export"]
    assert export["participant"]["email"] == NEW_EMAIL
    [kept] = export["contact_changes"]
    assert (kept["state"], kept["masked"]) == ("applied", "r•••@example.id")
    assert '"purpose":"change_contact"' in kept["statement"]
    assert [message["what"] for message in export["contact_messages"]] == ["code", "notice"]
    for table in ("contact_changes", "contact_messages", "history_data", "idempotency_keys", "causes"):
        text = [row[0] for row in await ask_database(database, f"SELECT t::text FROM {table} AS t")]
        for word in (NEW_EMAIL, "dwi@example.id"):
            assert not [row for row in text if word in row or word.encode().hex() in row], table


async def test_both_contacts_at_once_have_a_code_each(database: Database, api: httpx.AsyncClient) -> None:
    person, phone = await dwi(database, api)
    assert (await ask_change(phone, person, phone=NEW_PHONE, email=NEW_EMAIL)).status_code == 202
    codes = [await code_for(database, person, channel) for channel in ("email", "phone")]
    assert [(await type_code(phone, code)).json()["contact"] for code in codes] == ["email", "phone"]
    me = (await phone.get("/v1/me")).json()
    assert (me["phone"], me["email"]) == ("•••021", "r•••@example.id")


async def test_a_code_is_good_once_for_five_minutes_and_three_tries(fresh_apps: Apps) -> None:
    database, api = fresh_apps.database, fresh_apps.api
    person, phone = await dwi(database, api)
    await ask_change(phone, person, phone=NEW_PHONE)
    code = await code_for(database, person, "phone")
    wrong = f"{(int(code) + 1) % 10**8:08d}"
    answers = [await type_code(phone, otp) for otp in (wrong, wrong, wrong, code)]
    assert [answer.json()["tries_left"] for answer in answers] == [2, 1, 0, 0]
    assert {answer.json()["code"] for answer in answers} == {"contact_code_invalid"}

    await ask_change(phone, person, phone=NEW_PHONE)
    code = await code_for(database, person, "phone")
    await api.post("/local/clock", json={"advance_s": 301})
    await phone.refresh()
    assert (await type_code(phone, code)).status_code == 422, "too late"

    await ask_change(phone, person, phone=NEW_PHONE)
    code = await code_for(database, person, "phone")
    assert (await type_code(phone, code)).status_code == 200
    assert (await type_code(phone, code)).status_code == 422, "used"


async def test_parallel_guesses_are_counted_before_they_are_looked_at(
    database: Database, api: httpx.AsyncClient
) -> None:
    person, phone = await dwi(database, api)
    await ask_change(phone, person, phone=NEW_PHONE)
    answers = await asyncio.gather(*(type_code(phone, "00000000") for _ in range(12)))
    assert sorted(answer.json()["tries_left"] for answer in answers) == [0] * 10 + [1, 2]
    [row] = await ask_database(
        database, "SELECT tries FROM contact_changes WHERE participant_id = $1", person.participant_id
    )
    assert row["tries"] == 3


async def test_ten_tries_a_day_and_ten_codes_a_day_are_all(database: Database, api: httpx.AsyncClient) -> None:
    person, phone = await dwi(database, api)
    for _ in range(3):
        await ask_change(phone, person, phone=NEW_PHONE)
        for _ in range(3):
            await type_code(phone, "00000000")
    await ask_change(phone, person, phone=NEW_PHONE)
    assert (await type_code(phone, "00000000")).json()["tries_left"] == 2, "the tenth"
    refused = await type_code(phone, await code_for(database, person, "phone"))
    assert (refused.status_code, refused.json()["tries_left"]) == (422, 0), "it is the right one"
    assert (await phone.get("/v1/me")).json()["phone"] != "•••021"
    for _ in range(6):
        assert (await ask_change(phone, person, phone=NEW_PHONE)).status_code == 202
    eleventh = await ask_change(phone, person, phone=NEW_PHONE)
    assert (eleventh.status_code, eleventh.json()["code"]) == (429, "contact_changes_too_many")
    assert (await ask_change(phone, person, email=NEW_EMAIL)).status_code == 202, "each contact by itself"


async def test_a_newer_change_replaces_the_one_that_waits(database: Database, api: httpx.AsyncClient) -> None:
    person, phone = await dwi(database, api)
    await ask_change(phone, person, phone="+6281200987099")
    first = await code_for(database, person, "phone")
    await ask_change(phone, person, phone=NEW_PHONE)
    assert (await type_code(phone, first)).status_code == 422
    rows = await ask_database(
        database,
        "SELECT state, value_sealed IS NULL FROM contact_changes WHERE participant_id = $1 ORDER BY asked_at, change_id",
        person.participant_id,
    )
    assert [tuple(row) for row in rows] == [("replaced", True), ("open", False)]
    assert (await type_code(phone, await code_for(database, person, "phone"))).status_code == 200


@pytest.mark.parametrize("by_passkey", [False, True], ids=["device", "passkey"])
async def test_the_key_that_did_it_confirms_nothing_for_three_days(fresh_apps: Apps, by_passkey: bool) -> None:
    database, api = fresh_apps.database, fresh_apps.api
    person, phone = await dwi(database, api)
    second = Phone(api, "Ponsel kedua")
    second.device_id = (await second.ask_enrolment(person)).json()["enrolment_id"]
    assert (await phone.approve(second.device_id)).status_code < 300
    await second.sign_in()
    key: Phone = await add_passkey(phone) if by_passkey else phone
    merge = (await key.post("/v1/merges", {"absorb": [person.kpjs[0]], "into": person.kpjs[1]})).json()
    confirmed = (await key.confirm(merge)).json()
    assert confirmed["state"] == "confirmed", confirmed

    applied = await change(key, database, person, phone=NEW_PHONE)
    until = datetime.fromisoformat(applied["hold_until"])
    assert HOLD - timedelta(minutes=1) < until - datetime.now(UTC) <= HOLD + timedelta(minutes=1)
    delayed = (await key.get(f"/v1/merges/{merge['id']}")).json()
    assert delayed["state"] == "confirmed"
    assert datetime.fromisoformat(delayed["executes_at"]) == until
    assert [entry["kind"] for entry in await inbox(key)][:2] == ["merge_delayed", "contact_changed"]
    again = await ask_change(key, person, email=NEW_EMAIL)
    assert (again.status_code, again.json()["code"]) == (403, "hold_in_force")
    assert (await key.get("/v1/me")).json()["hold"]["reason"] == "contact_changed"
    assert (await second.get("/v1/me")).json()["hold"] is None, "another key of theirs is free"


async def test_a_key_on_hold_asks_for_no_change(database: Database, api: httpx.AsyncClient) -> None:
    person, phone = await dwi(database, api, phone_since=days_ago(3))
    refused = await ask_change(phone, person, email=NEW_EMAIL)
    assert (refused.status_code, refused.json()["code"]) == (403, "hold_in_force")
    assert await messages(database, person) == []


async def test_nothing_changes_without_a_proof_of_just_this(database: Database, api: httpx.AsyncClient) -> None:
    person, phone = await dwi(database, api)
    stranger, _ = await dwi(database, api)
    spent = await phone.prove("change_contact", person.participant_id)
    assert (await phone.put("/v1/me/contact", {"email": NEW_EMAIL} | spent)).status_code == 202
    bodies: list[tuple[dict[str, Any], str]] = [
        (spent, "challenge_spent"),
        (await phone.prove("unlock", person.participant_id), "proof_invalid"),
        (await phone.prove("change_contact", stranger.participant_id), "proof_invalid"),
        (await phone.prove("change_contact", person.participant_id, signed={"purpose": "unlock"}), "proof_invalid"),
    ]
    for proven, code in bodies:
        answer = await phone.put("/v1/me/contact", {"phone": NEW_PHONE} | proven)
        assert answer.json()["code"] == code, answer.text
    for contacts in ({}, {"phone": "+62 banyak huruf"}, {"email": "bukan alamat"}, {"phone": person.phone}):
        answer = await ask_change(phone, person, **contacts)
        assert (answer.status_code, answer.json()["code"]) == (400, "request_invalid"), contacts
    assert await messages(database, person) == [("code", "email")]


async def test_a_key_that_was_removed_meanwhile_brings_no_contact(database: Database, api: httpx.AsyncClient) -> None:
    person, phone = await dwi(database, api)
    key = await add_passkey(phone)
    await ask_change(key, person, phone=NEW_PHONE)
    [passkey] = (await phone.get("/v1/passkeys")).json()["passkeys"]
    removal = await phone.prove("remove_key", passkey["passkey_id"])
    assert (await phone.delete(f"/v1/passkeys/{passkey['passkey_id']}", removal)).status_code == 204
    answer = await type_code(phone, await code_for(database, person, "phone"))
    assert (answer.status_code, answer.json()["code"]) == (422, "contact_code_invalid")
    assert (await phone.get("/v1/me")).json()["phone"] != "•••021"


async def test_a_change_by_hand_is_told_and_to_the_old_contact_too(database: Database, api: httpx.AsyncClient) -> None:
    person, phone = await dwi(database, api)
    await ask_database(
        database,
        "UPDATE participants SET phone_sealed = $2, phone_since = '2020-01-02' WHERE participant_id = $1",
        person.participant_id,
        seal(NEW_PHONE, "phone", person.participant_id),
    )
    told = (await inbox(phone))[0]
    assert (told["kind"], told["reach"], told["severity"]) == ("unexplained_data_change", "ladder", "critical")
    assert "nomor ponsel" in told["body"]
    assert "postgres" in told["body"]
    assert await messages(database, person) == [("notice", "phone")]


async def test_contacts_are_written_by_their_functions_alone(database: Database, api: httpx.AsyncClient) -> None:
    person, phone = await dwi(database, api)
    await change(phone, database, person, phone=NEW_PHONE)
    for statement, name in (
        ("UPDATE contact_changes SET tries = 0", "contact_changes_by_function_only"),
        ("DELETE FROM contact_changes WHERE state = 'applied'", "applied_contact_changes_are_kept"),
        ("TRUNCATE contact_changes", "applied_contact_changes_are_kept"),
        ("DELETE FROM contact_messages WHERE what = 'notice'", "notices_are_kept"),
        ("UPDATE contact_messages SET channel = 'email'", "contact_messages_end_once"),
        ("UPDATE contact_messages SET contact_sealed = 'x' WHERE state = 'waiting'", "contact_messages_end_once"),
    ):
        with pytest.raises(asyncpg.CheckViolationError, match=name):
            await ask_database(database, statement)
    worker = await database.connect("sepakat_worker")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await worker.execute("SELECT apply_contact_change($1, $1, $1, '0', NULL)", person.participant_id)
    await worker.close()


async def test_the_api_asks_in_the_statement_of_a_free_key_or_not_at_all(
    database: Database, api: httpx.AsyncClient
) -> None:
    """What whoever types SQL in the API's role may try with a challenge that was really spent."""
    person, phone = await dwi(database, api)
    _, other = await dwi(database, api)
    held = await Phone(api, "Ponsel baru").enrol(person)
    owner = await database.connect()
    for key_id, purpose, accepted in (
        (held.device_id, "change_contact", False),
        (other.device_id, "change_contact", False),
        (phone.device_id, "unlock", False),
        (phone.device_id, "change_contact", True),
    ):
        nonce = await phone.challenge("change_contact", person.participant_id)
        raw = decode_nonce(nonce)
        await owner.execute("UPDATE challenges SET spent_at = now() WHERE nonce = $1", raw)
        statement = subject_statement(
            purpose=purpose, device_id=UUID(key_id), subject_id=person.participant_id, nonce=nonce
        )
        connection = await database.connect("sepakat_api", entering=person.participant_id)
        asking = connection.execute(
            """SELECT ask_contact_change($1, $2, $3, $4, '{}',
                current_instant() + interval '5 minutes', ARRAY[gen_random_uuid()], '{phone}', ARRAY['\\x01'::bytea], '{x}')""",
            person.participant_id,
            key_id,
            raw,
            canonical(statement),
        )
        if accepted:
            await asking
        else:
            with pytest.raises(asyncpg.CheckViolationError, match="statement of a key that is free"):
                await asking
        await connection.close()
    await owner.close()
