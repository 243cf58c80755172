"""Staff read what is to be corrected, with the whole number to hold it against, and decide it by four eyes."""

from __future__ import annotations

import httpx

from tests.conftest import Database
from tests.people import Phone, add_person
from tests.staff.conftest import Staff, looks


async def test_a_correction_is_read_whole_and_decided_by_two(
    database: Database, api: httpx.AsyncClient, staff: Staff
) -> None:
    person = await add_person(database)
    phone = await Phone(api).enrol(person)
    case_id = (await phone.post("/v1/me/corrections", {"field": "name", "wanted": "Dwi Lestari Putri"})).json()["id"]
    file = await staff.read(case_id, "correction")
    assert file["case"]["correction"] == {"field": "name", "wanted": "Dwi Lestari Putri"}
    assert file["person"]["nik"] == person.nik
    unfit = await staff.decide(case_id, "restored")
    assert (unfit.status_code, unfit.json()["code"]) == (422, "decision_unfit")

    assert (await staff.decide(case_id, "corrected", by="ratna")).json()["state"] == "proposed", "a supervisor too"
    assert (await phone.get("/v1/me/corrections")).json()["cases"][0]["state"] == "open"
    assert (await staff.decide(case_id, "corrected", by="siti")).json()["state"] == "decided"
    (case,) = (await phone.get("/v1/me/corrections")).json()["cases"]
    assert (case["decision"], case["correction"]["wanted"]) == ("corrected", "Dwi Lestari Putri")
    assert {look["purpose"] for look in await looks(phone)} == {"correction"}


async def test_a_supervisor_alone_may_refuse(database: Database, api: httpx.AsyncClient, staff: Staff) -> None:
    phone = await Phone(api).enrol(await add_person(database))
    case_id = (await phone.post("/v1/me/corrections", {"field": "other", "wanted": "x"})).json()["id"]
    assert (await staff.decide(case_id, "refused", by="ratna")).json()["state"] == "decided"
    (case,) = (await phone.get("/v1/me/corrections")).json()["cases"]
    assert case["decision"] == "refused"
