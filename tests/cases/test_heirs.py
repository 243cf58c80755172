"""Heirs of somebody who died: a branch code and papers open a case; two of the staff recognise them; no account is opened."""

from __future__ import annotations

import json
from datetime import date
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
import pytest_asyncio

from app.identity.branch_code import normalise
from tests.conftest import Apps, Database
from tests.feed.conftest import Core, event, sign
from tests.identity.branch import BRANCH, hand_out, new_code
from tests.people import NewCard, Person, Phone, add_person, new_nik

PAPERS = [
    {"kind": "death_certificate", "reference": "AK-3304-2026-000117"},
    {"kind": "family_card", "reference": "KK-3304.0000.17"},
]
HEIR = {"name": "Siti Aminah", "phone": "0812-0000-0017", "relation": "child"}


@pytest_asyncio.fixture
async def darto(database: Database) -> Person:
    cards = (NewCard(balance=31_507_200), NewCard(balance=1_000_000, status="active"))
    return await add_person(database, *cards, name="Sudarto", birth_date=date(1961, 12, 1))


async def die(core: Core, person: Person) -> None:
    await core.apply(event("participant.deceased", {"nik": person.nik, "on": "2026-02-17"}))


async def ask(api: httpx.AsyncClient, nik: str, slip: str, **overrides: Any) -> httpx.Response:
    return await api.post("/v1/heirs", json={"branch_code": slip, "deceased_nik": nik} | HEIR | overrides)


async def opened(api: httpx.AsyncClient, core: Core, person: Person) -> str:
    """The id of a case that a right code opened."""
    answer = await ask(api, person.nik, await hand_out(core, person.nik))
    assert answer.status_code == 202, answer.text
    case_id: str = answer.json()["case_id"]
    return case_id


def decided(case_id: str, decision: str = "heir_recognised", **overrides: Any) -> dict[str, Any]:
    data = {
        "case_id": case_id,
        "decision": decision,
        "reason": "Surat dan KK cocok",
        "staff": "ani",
        "second_staff": "budi",
    }
    return event("case.decided", data | ({"papers": PAPERS} if decision == "heir_recognised" else {}) | overrides)


async def kinds(core: Core, person: Person) -> list[str]:
    return [entry["kind"] for entry in await core.history(person.nik)]


async def test_heirs_go_through_a_case_with_branch_code_and_papers(
    api: httpx.AsyncClient, database: Database, core: Core, darto: Person
) -> None:
    phone = await Phone(api).enrol(darto)
    merge = (await phone.post("/v1/merges", {"absorb": [darto.kpjs[0]], "into": darto.kpjs[1]})).json()
    await die(core, darto)
    assert (await phone.get(f"/v1/merges/{merge['id']}")).json()["state"] == "cancelled"

    case_id = await opened(api, core, darto)
    shown = (await api.get(f"/v1/heirs/{case_id}")).json()
    assert (shown["case_id"], shown["state"], shown["decision"], shown["reason"]) == (case_id, "open", None, None)
    (row,) = await core.ask("SELECT due_at - opened_at AS clock FROM cases WHERE case_id = $1", case_id)
    assert row["clock"].total_seconds() == 3 * 86_400

    cards = await core.ask("SELECT * FROM cards WHERE participant_id = $1 ORDER BY kpj", darto.participant_id)
    devices = await core.ask("SELECT * FROM devices WHERE participant_id = $1", darto.participant_id)
    await core.apply(decided(case_id))
    shown = (await api.get(f"/v1/heirs/{case_id}")).json()
    assert (shown["state"], shown["decision"], shown["reason"]) == ("decided", "heir_recognised", "Surat dan KK cocok")
    assert (await kinds(core, darto))[-3:] == ["heir_code_issued", "heir_reported", "heir_recognised"]
    assert (await core.history(darto.nik))[-1]["data"] == {"case_id": case_id, "relation": "child", "papers": 2}
    (claim,) = await core.ask("SELECT * FROM heir_claims WHERE case_id = $1", case_id)
    assert (claim["name"], claim["relation"]) == ("Siti Aminah", "child")
    assert await core.ask("SELECT * FROM cards WHERE participant_id = $1 ORDER BY kpj", darto.participant_id) == cards
    assert await core.ask("SELECT * FROM devices WHERE participant_id = $1", darto.participant_id) == devices


async def test_the_answer_is_the_same_for_anybody(
    api: httpx.AsyncClient, database: Database, core: Core, darto: Person
) -> None:
    living = await add_person(database)
    slip_of_living = await hand_out(core, living.nik)
    await die(core, darto)
    slip = await hand_out(core, darto.nik)
    asked = [
        await ask(api, new_nik(date(1961, 12, 1)), slip),
        await ask(api, darto.nik, new_code()),
        await ask(api, living.nik, slip),
        await ask(api, living.nik, slip_of_living),
        await ask(api, darto.nik, slip_of_living),
        await ask(api, darto.nik, slip),
        await ask(api, darto.nik, slip),
    ]
    assert {(answer.status_code, tuple(answer.json()), len(answer.content)) for answer in asked} == {
        (202, ("case_id",), len(asked[0].content))
    }
    found = [(await api.get(f"/v1/heirs/{answer.json()['case_id']}")).status_code for answer in asked]
    assert found == [404, 404, 404, 404, 404, 200, 404]
    assert (await kinds(core, darto)).count("heir_reported") == 1
    never = await api.get(f"/v1/heirs/{uuid4()}")
    of_wrong = await api.get(f"/v1/heirs/{asked[1].json()['case_id']}")
    assert never.json() | {"instance": ""} == of_wrong.json() | {"instance": ""}
    assert never.json()["code"] == "heir_case_unknown"


async def test_a_code_from_before_the_death_is_no_heirs(api: httpx.AsyncClient, core: Core, darto: Person) -> None:
    """Staff saw the living person then, and no death certificate."""
    slip = await hand_out(core, darto.nik)
    await die(core, darto)
    answer = await ask(api, darto.nik, slip)
    assert (await api.get(f"/v1/heirs/{answer.json()['case_id']}")).status_code == 404


async def test_an_heirs_code_signs_nobody_in(api: httpx.AsyncClient, core: Core, darto: Person) -> None:
    new = Phone(api)
    enrolment_id = (await new.ask_enrolment(darto)).json()["enrolment_id"]
    await die(core, darto)
    slip = await hand_out(core, darto.nik)
    assert (await new.verify_at_branch(enrolment_id, slip)).status_code == 422
    after = (await new.ask_enrolment(darto)).json()["enrolment_id"]
    assert (await new.verify_at_branch(after, slip)).status_code == 422
    assert (await ask(api, darto.nik, slip)).status_code == 202
    assert (await kinds(core, darto))[-1] == "heir_reported", "and opens the case all the same"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"second_staff": None}, "four_eyes_needed"),
        ({"second_staff": "Ani"}, "four_eyes_needed"),
        ({"papers": []}, "papers_missing"),
        ({"papers": [{"kind": "selfie", "reference": "1"}]}, "data_invalid"),
        ({"papers": [{"kind": "family_card"}]}, "data_invalid"),
        ({"decision": "restored"}, "decision_unfit"),
        ({"decision": "linked"}, "decision_unfit"),
        ({"decision": "refused"}, "decision_unfit"),
    ],
)
async def test_an_heir_is_recognised_by_two_people_and_by_papers(
    api: httpx.AsyncClient, core: Core, darto: Person, changes: dict[str, Any], code: str
) -> None:
    await die(core, darto)
    case_id = await opened(api, core, darto)
    (result,) = await core.send(decided(case_id, **changes))
    assert (result["outcome"], result["code"]) == ("rejected", code)
    assert (await api.get(f"/v1/heirs/{case_id}")).json()["state"] == "open"


async def test_one_alone_may_refuse_and_a_case_is_decided_once(
    api: httpx.AsyncClient, core: Core, darto: Person
) -> None:
    await die(core, darto)
    case_id = await opened(api, core, darto)
    await core.apply(decided(case_id, "heir_refused", second_staff=None))
    shown = (await api.get(f"/v1/heirs/{case_id}")).json()
    assert (shown["state"], shown["decision"]) == ("decided", "heir_refused")
    assert (await kinds(core, darto))[-1] == "heir_refused"
    (result,) = await core.send(decided(case_id))
    assert (result["outcome"], result["code"]) == ("rejected", "case_decided_already")
    again = await opened(api, core, darto)
    await core.apply(decided(again))
    assert (await kinds(core, darto))[-1] == "heir_recognised", "with another code, another case"


async def test_staff_find_the_case_with_who_the_heir_is(fresh_apps: Apps) -> None:
    core = Core(fresh_apps.feed, fresh_apps.database)
    person = await add_person(fresh_apps.database)
    await die(core, person)
    case_id = await opened(fresh_apps.api, core, person)
    raw = json.dumps({"case_search": {"state": "open"}}).encode()
    (found,) = (await core.feed.post("/feed/v1/cases/search", content=raw, headers=sign(raw))).json()["cases"]
    assert (found["id"], found["kind"], found["nik"]) == (case_id, "heir", person.nik)
    assert found["heir"] == HEIR | {"branch": BRANCH, "papers": []}


@pytest.mark.parametrize(
    "change",
    [
        {"deceased_nik": "1"},
        {"branch_code": "7KQM"},
        {"branch_code": "OOOO-OOOO-OOOO-OOOO"},
        {"name": ""},
        {"name": "x" * 201},
        {"phone": "not a phone"},
        {"relation": "friend"},
        {"is_admin": True},
    ],
    ids=str,
)
async def test_a_malformed_request_is_refused(api: httpx.AsyncClient, change: dict[str, Any]) -> None:
    answer = await ask(api, "3304010112610000", new_code(), **change)
    assert (answer.status_code, answer.json()["code"]) == (400, "request_invalid")


async def test_the_api_opens_no_case_without_the_code_and_decides_none(
    api: httpx.AsyncClient, core: Core, database: Database, darto: Person
) -> None:
    await die(core, darto)
    case_id = await opened(api, core, darto)
    slip = await hand_out(core, darto.nik)
    connection = await database.connect("sepakat_api", entering=darto.participant_id)
    open_case = "SELECT open_heir_case($1, $2, gen_random_uuid(), 'x', '0', 'child')"
    assert await connection.fetchval(open_case, darto.participant_id, "2" * 16) is False
    for sql in (
        "SELECT decide_heir_case($1, $2, $2, 'heir_recognised', 'x', 'a', 'b', '[{}]')",
        "UPDATE cases SET state = 'decided' WHERE participant_id = $1 AND case_id = $2",
        "SELECT name FROM heir_claims WHERE participant_id = $1 AND case_id = $2",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch(sql, darto.participant_id, case_id)
    assert await connection.fetchval(open_case, darto.participant_id, normalise(slip)) is True
    await connection.close()
