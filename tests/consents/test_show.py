"""A confirmed plan is a consent, and says for as long as it lasts how it is taken back."""

from __future__ import annotations

import httpx

from tests.conftest import Database
from tests.consents.conftest import read_consents
from tests.people import NewCard, Phone, add_person


async def test_an_agreed_merge_is_a_consent_that_says_how_it_is_taken_back(
    database: Database, api: httpx.AsyncClient
) -> None:
    person = await add_person(database, NewCard(balance=1_000), NewCard(balance=2_000, status="active"))
    phone = await Phone(api).enrol(person)
    old, new = person.kpjs
    merge = (await phone.post("/v1/merges", {"absorb": [old], "into": new})).json()
    await phone.confirm(merge)
    agreed = (await read_consents(phone))["merge"]
    assert (agreed["merge_id"], agreed["state"]) == (merge["id"], "in_force")
    route: str = agreed["withdraw"]
    assert route == f"POST /v1/merges/{merge['id']}/cancel"
    assert (await phone.post(route.removeprefix("POST "))).status_code == 200
    lapsed = (await read_consents(phone))["merge"]
    assert (lapsed["state"], lapsed["withdraw"]) == ("lapsed", None)
