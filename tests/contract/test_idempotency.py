"""An Idempotency-Key is one person's, for one route and body: it opens no answer that was given to somebody or something else."""

from __future__ import annotations

import httpx

from tests.conftest import Database
from tests.people import NewCard, Phone, add_person

CARDS = (NewCard(balance=100_000), NewCard(balance=20_000, status="active"))


async def test_a_key_opens_no_answer_of_another_person_route_or_body(
    api: httpx.AsyncClient, database: Database
) -> None:
    person = await add_person(database, *CARDS)
    phone, stranger = await Phone(api).enrol(person), await Phone(api).enrol(await add_person(database, *CARDS))
    body = {"absorb": [person.kpjs[0]], "into": person.kpjs[1]}
    made = await phone.post("/v1/merges", body, key="K")
    assert made.status_code == 201
    assert (await phone.post("/v1/merges", body, key="K")).content == made.content
    assert (await stranger.post("/v1/merges", body, key="K")).json()["code"] == "card_unknown"
    another = await phone.post("/v1/merges", body | {"into": person.kpjs[0]}, key="K")
    assert (another.status_code, another.json()["code"]) == (422, "idempotency_key_reused")
    declined = await phone.post(f"/v1/merges/{made.json()['id']}/decline", key="K")
    assert declined.json()["state"] == "declined"


async def test_an_answer_is_not_given_again_to_a_session_that_ended(api: httpx.AsyncClient, database: Database) -> None:
    person = await add_person(database, *CARDS)
    phone = await Phone(api).enrol(person)
    body = {"absorb": [person.kpjs[0]], "into": person.kpjs[1]}
    assert (await phone.post("/v1/merges", body, key="K")).status_code == 201
    assert (await phone.delete("/v1/sessions/current")).status_code == 204
    assert (await phone.post("/v1/merges", body, key="K")).status_code == 401
