"""Staff look at a case with a purpose, and everybody in it finds the look: in the access log, in the inbox, in the export."""

from __future__ import annotations

import json
from uuid import uuid4

import httpx
import pytest

from tests.cases.reports import Reported, reported_merge
from tests.conftest import Database
from tests.feed.conftest import Core
from tests.people import Phone
from tests.staff.conftest import Staff, looks


async def test_a_case_shows_what_is_needed_to_decide_it(reported: Reported, staff: Staff) -> None:
    case = await reported.dispute("Bukan saya")
    file = await staff.read(case["id"])
    assert (file["case"]["statement"], file["case"]["state"]) == ("Bukan saya", "open")
    assert {card["kpj"] for card in file["cards"]} == {reported.gone, reported.kept}
    assert (file["merge"]["absorb"], file["merge"]["into"]) == ([reported.gone], reported.kept)
    assert file["merge"]["consent"] == "none_on_file"
    assert file["history"][0]["title"]
    assert "looked_at" not in {entry["kind"] for entry in file["history"]}


async def test_identity_number_and_contacts_are_masked_in_a_dispute(reported: Reported, staff: Staff) -> None:
    case = await reported.dispute()
    file = await staff.read(case["id"])
    person = reported.person
    assert file["person"]["nik"] == "•" * 12 + person.nik[-4:]
    assert person.phone is not None
    assert (file["person"]["phone"][-4:], file["person"]["phone"][:4]) == (person.phone[-4:], "••••")
    assert person.nik not in json.dumps(file)
    assert person.phone not in json.dumps(file)


async def test_every_look_is_in_the_access_log_and_told(reported: Reported, staff: Staff) -> None:
    case = await reported.dispute()
    await staff.read(case["id"])
    await staff.read(case["id"], "support", by="ratna")
    newest, first = await looks(reported.phone)
    assert (first["what"], first["purpose"], first["role"], first["case_id"]) == (
        "case",
        "dispute",
        "caseworker",
        case["id"],
    )
    assert (newest["purpose"], newest["role"]) == ("support", "supervisor")
    assert newest["who"] != first["who"]
    entries = (await reported.phone.get("/v1/inbox?limit=2")).json()["entries"]
    assert [(entry["kind"], entry["reach"]) for entry in entries] == [("looked_at", "inbox")] * 2
    assert first["who"] in entries[1]["body"]


async def test_a_member_of_staff_is_shown_by_a_pseudonym_that_stays_the_same(reported: Reported, staff: Staff) -> None:
    case = await reported.dispute()
    for _ in range(2):
        await staff.read(case["id"])
    again, first = await looks(reported.phone)
    assert again["who"] == first["who"]
    export = (await reported.phone.get("/v1/me/export")).json()["export"]
    assert [look["shown_as"] for look in export["access_log"]] == [first["who"]] * 2
    assert "siti" not in json.dumps(export)


async def test_a_look_that_showed_nothing_is_none(
    reported: Reported, staff: Staff, api: httpx.AsyncClient, database: Database, core: Core
) -> None:
    case = await reported.dispute()
    unknown = {"case_read": {"case_id": str(uuid4()), "purpose": "dispute"}}
    unfit = {"case_read": {"case_id": case["id"], "purpose": "heir"}}
    for body, code in ((unknown, "case_unknown"), (unfit, "purpose_unfit")):
        answer = await staff.ask("cases/read", body)
        assert answer.json()["code"] == code
    assert await looks(reported.phone) == []


@pytest.mark.parametrize(
    "body",
    [
        {"case_read": {"case_id": "01937f5e-7a40-7cc1-8f6e-3a2b1c0d9e8f"}},
        {"case_read": {"purpose": "dispute"}},
        {"case_read": {"case_id": "01937f5e-7a40-7cc1-8f6e-3a2b1c0d9e8f", "purpose": "curiosity"}},
        {"case_search": {}},
        {},
    ],
)
async def test_without_a_case_and_a_purpose_nothing_is_shown(staff: Staff, body: dict[str, object]) -> None:
    answer = await staff.ask("cases/read", body)
    assert (answer.status_code, answer.json()["code"]) == (400, "request_invalid")


async def test_the_access_log_comes_in_pages_and_is_ones_own(
    reported: Reported, staff: Staff, api: httpx.AsyncClient, database: Database, core: Core
) -> None:
    case = await reported.dispute()
    for _ in range(3):
        await staff.read(case["id"])
    first = (await reported.phone.get("/v1/me/access-log?limit=2")).json()
    rest = (await reported.phone.get(f"/v1/me/access-log?limit=2&cursor={first['next_cursor']}")).json()
    assert (len(first["looks"]), len(rest["looks"]), rest["next_cursor"]) == (2, 1, None)
    assert len({look["id"] for look in first["looks"] + rest["looks"]}) == 3
    other = await reported_merge(api, database, core)
    assert await looks(other.phone) == []
    foreign = await other.phone.get(f"/v1/me/access-log?cursor={first['next_cursor']}")
    assert foreign.json()["looks"] == []
    assert (await other.phone.get("/v1/me/access-log?cursor=x")).json()["code"] == "request_invalid"
    assert (await Phone(api).get("/v1/me/access-log")).status_code == 401


async def test_the_queue_names_nobody_and_is_no_look(
    reported: Reported, staff: Staff, api: httpx.AsyncClient, database: Database, core: Core
) -> None:
    case = await reported.dispute("Kartu saya hilang")
    later = await (await reported_merge(api, database, core)).dispute()
    await staff.decide(case["id"], reason="Menurut Dwi Lestari")
    before = await looks(reported.phone)
    found: list[dict[str, object]] = []
    cursor = None
    while True:
        search = {"state": "open", "kind": "dispute", "limit": 1, **({"cursor": cursor} if cursor else {})}
        page = (await staff.ask("cases/search", {"case_search": search}, by="budi")).json()
        found += page["cases"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    ids = [item["id"] for item in found]
    assert len(ids) == len(set(ids))
    assert ids.index(case["id"]) < ids.index(later["id"])
    mine = next(item for item in found if item["id"] == case["id"])
    assert mine["proposal"] == {
        "decision": "restored",
        "proposed_at": mine["proposal"]["proposed_at"],  # type: ignore[index]
        "mine": False,
    }
    text = json.dumps(found)
    for personal in (reported.person.nik, *reported.person.kpjs, reported.person.name, "Kartu saya hilang"):
        assert personal not in text
    assert await looks(reported.phone) == before
    for cursor in ("x", "MDAwMS0wMS0wMVQwMDowMDowMCsxNDowMCAwMTkzN2Y1ZS03YTQwLTdjYzEtOGY2ZS0zYTJiMWMwZDllOGY=", "💥"):
        answer = await staff.ask("cases/search", {"case_search": {"cursor": cursor}})
        assert answer.json()["code"] == "request_invalid"
