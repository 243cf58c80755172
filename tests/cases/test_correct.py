"""What is on file about me is wrong: a case with its clock, decided by two people, and nothing changed by it."""

from __future__ import annotations

from typing import Any

import asyncpg
import httpx
import pytest

from tests.conftest import Database
from tests.feed.conftest import Core, event, sign
from tests.people import NewCard, Person, Phone, add_person

WANTED = {"field": "birth_date", "wanted": "1990-05-18", "statement": "Di KTP tertulis 18 Mei"}


async def dwi(database: Database, api: httpx.AsyncClient) -> tuple[Person, Phone]:
    person = await add_person(database, NewCard(balance=9_910_352))
    return person, await Phone(api).enrol(person)


async def asked(phone: Phone, **overrides: Any) -> dict[str, Any]:
    answer = await phone.post("/v1/me/corrections", WANTED | overrides)
    assert answer.status_code == 201, answer.text
    case: dict[str, Any] = answer.json()
    return case


def decided(case_id: str, decision: str, **overrides: Any) -> dict[str, Any]:
    data = {"case_id": case_id, "decision": decision, "reason": "Sesuai KTP", "staff": "ani", "second_staff": "budi"}
    return event("case.decided", data | overrides)


async def test_a_correction_is_a_case_of_three_days_and_changes_nothing_by_itself(
    database: Database, api: httpx.AsyncClient, core: Core
) -> None:
    person, phone = await dwi(database, api)
    cards = (await phone.get("/v1/cards")).json()["cards"]
    case = await asked(phone)
    assert (case["kind"], case["state"], case["statement"]) == ("correction", "open", WANTED["statement"])
    assert case["correction"] == {"field": "birth_date", "wanted": "1990-05-18"}
    (row,) = await core.ask("SELECT due_at - opened_at AS clock FROM cases WHERE case_id = $1", case["id"])
    assert row["clock"].total_seconds() == 3 * 86_400
    assert (await phone.get("/v1/me/corrections")).json() == {"cases": [case], "next_cursor": None}
    assert (await phone.get("/v1/cases")).json()["cases"] == [case]
    assert (await phone.get("/v1/inbox")).json()["entries"][0]["kind"] == "correction_asked"

    (alone,) = await core.send(decided(case["id"], "corrected", second_staff=None))
    assert (alone["outcome"], alone["code"]) == ("rejected", "four_eyes_needed")
    (unfit,) = await core.send(decided(case["id"], "restored"))
    assert unfit["code"] == "decision_unfit"
    await core.apply(decided(case["id"], "corrected"))
    (again,) = await core.send(decided(case["id"], "refused"))
    assert again["code"] == "case_decided_already"

    (case,) = (await phone.get("/v1/me/corrections")).json()["cases"]
    assert (case["state"], case["decision"], case["reason"]) == ("decided", "corrected", "Sesuai KTP")
    told = (await phone.get("/v1/inbox")).json()["entries"][0]
    assert (told["kind"], told["reach"]) == ("correction_decided", "push")
    assert "tanggal lahir" in told["body"]
    assert (await phone.get("/v1/cards")).json()["cards"] == cards
    (row,) = await core.ask("SELECT birth_date FROM participants WHERE participant_id = $1", person.participant_id)
    assert row["birth_date"] == person.birth_date, "what is corrected comes from the core by its own event"


async def test_an_identity_number_is_corrected_by_nobody_here(
    database: Database, api: httpx.AsyncClient, core: Core
) -> None:
    person, phone = await dwi(database, api)
    case = await asked(phone, field="nik", wanted="3301234505900002")
    (alone,) = await core.send(decided(case["id"], "corrected", second_staff=None))
    assert alone["code"] == "four_eyes_needed"
    await core.apply(decided(case["id"], "corrected"))
    assert (await phone.get("/v1/me")).json()["nik"][-4:] == person.nik[-4:]


async def test_one_correction_of_a_thing_is_open_at_a_time(
    database: Database, api: httpx.AsyncClient, core: Core
) -> None:
    _, phone = await dwi(database, api)
    case = await asked(phone)
    again = await phone.post("/v1/me/corrections", WANTED)
    assert (again.status_code, again.json()["code"]) == (409, "correction_open")
    await asked(phone, field="name", wanted="Dwi Lestari Putri")
    await core.apply(decided(case["id"], "refused", second_staff=None))
    await asked(phone)
    corrections = (await phone.get("/v1/me/corrections?limit=2")).json()
    assert [one["correction"]["field"] for one in corrections["cases"]] == ["birth_date", "name"]
    rest = (await phone.get("/v1/me/corrections", params={"cursor": corrections["next_cursor"]})).json()["cases"]
    assert [one["id"] for one in rest] == [case["id"]]


async def test_what_is_wanted_lies_sealed_and_is_exported_and_found_by_the_agency(
    database: Database, api: httpx.AsyncClient, core: Core
) -> None:
    _, phone = await dwi(database, api)
    case = await asked(phone, field="phone", wanted="+6281200555019")
    for table in ("corrections", "cases", "causes", "history_data"):
        rows = await core.ask(f"SELECT t::text AS row FROM {table} AS t")
        spelled = b"+6281200555019".hex()
        assert not [row for row in rows if "81200555019" in row["row"] or spelled in row["row"]], table
    export = (await phone.get("/v1/me/export")).json()["export"]
    assert export["corrections"] == [{"case_id": case["id"], "field": "phone", "wanted": "+6281200555019"}]
    found = await find(core, case["id"])
    assert found["correction"] == {"field": "phone", "wanted": "+6281200555019"}


async def find(core: Core, case_id: str) -> dict[str, Any]:
    """The case as the agency's search has it."""
    raw = b'{"case_search": {"state": "open", "limit": 1000}}'
    answer = await core.feed.post("/feed/v1/cases/search", content=raw, headers=sign(raw))
    (found,) = [case for case in answer.json()["cases"] if case["id"] == case_id]
    case: dict[str, Any] = found
    return case


async def test_corrections_are_written_by_their_function_and_kept(database: Database, api: httpx.AsyncClient) -> None:
    _, phone = await dwi(database, api)
    await asked(phone)
    connection = await database.connect()
    for statement, name in (
        ("UPDATE corrections SET field = 'other'", "corrections_by_function_only"),
        ("DELETE FROM corrections", "corrections_are_kept"),
        ("TRUNCATE corrections", "corrections_are_kept"),
    ):
        with pytest.raises(asyncpg.CheckViolationError, match=name):
            await connection.execute(statement)
    await connection.close()
