"""What a participant agrees to, and takes back, each thing by itself."""

from __future__ import annotations

import asyncpg
import httpx
import pytest

from tests.conftest import Database
from tests.consents.conftest import read_consents
from tests.matches.conftest import BORN, Find, exchange
from tests.people import Phone, add_person, new_nik


async def test_whoever_objects_is_suggested_nothing_until_they_agree_again(
    database: Database, api: httpx.AsyncClient, find: Find
) -> None:
    nik = new_nik(BORN)
    person = await add_person(database, name="Agus Setiawan", birth_date=BORN, nik=nik)
    phone = await Phone(api).enrol(person)
    assert (await read_consents(phone))["possible_matches"]["state"] == "in_force"
    objected = await phone.post("/v1/me/consents/possible_matches/withdrawal")
    assert objected.status_code == 200, objected.text
    assert (objected.json()["state"], objected.json()["withdraw"]) == ("withdrawn", None)

    await add_person(database, name="Agus Setiawan", birth_date=BORN, nik=exchange(nik, 8), phone=None)
    await find()
    assert (await phone.get("/v1/possible-matches")).json()["matches"] == []

    again = await phone.post("/v1/me/consents/possible_matches")
    assert again.json()["state"] == "in_force"
    await find()
    assert len((await phone.get("/v1/possible-matches")).json()["matches"]) == 1
    kinds = [entry["kind"] for entry in (await phone.get("/v1/inbox")).json()["entries"]]
    assert kinds[:3] == ["possible_match_found", "consent_given", "consent_withdrawn"]


async def test_the_same_choice_again_writes_nothing(database: Database, api: httpx.AsyncClient) -> None:
    phone = await Phone(api).enrol(await add_person(database))
    await phone.post("/v1/me/consents/possible_matches/withdrawal")
    before = (await phone.get("/v1/inbox")).json()["head"]
    await phone.post("/v1/me/consents/possible_matches/withdrawal")
    assert (await phone.get("/v1/inbox")).json()["head"] == before


async def test_a_purpose_that_does_not_exist_names_those_that_do(database: Database, api: httpx.AsyncClient) -> None:
    phone = await Phone(api).enrol(await add_person(database))
    answer = await phone.post("/v1/me/consents/advertising")
    assert (answer.status_code, answer.json()["code"]) == (404, "purpose_unknown")
    assert answer.json()["purposes"] == ["possible_matches"]


async def test_choices_are_written_by_their_function_and_kept(database: Database, api: httpx.AsyncClient) -> None:
    person = await add_person(database)
    await (await Phone(api).enrol(person)).post("/v1/me/consents/possible_matches/withdrawal")
    for statement in (
        "UPDATE consent_choices SET choice = 'given'",
        "DELETE FROM consent_choices",
        "TRUNCATE consent_choices",
    ):
        connection = await database.connect()
        with pytest.raises(asyncpg.CheckViolationError, match="consent_choices_are_append_only"):
            await connection.execute(statement)
        await connection.close()
    for role in ("sepakat_worker", "sepakat_feed"):
        connection = await database.connect(role)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(
                "SELECT choose_consent($1, 'possible_matches', 'given', '2026-11', 'x')", person.participant_id
            )
        await connection.close()
