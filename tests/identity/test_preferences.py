"""Language and time zone are the participant's own, and touch no card."""

from __future__ import annotations

from datetime import date

import httpx

from tests.conftest import Database
from tests.people import Phone, add_person


async def test_language_and_time_zone_are_mine_to_choose(database: Database, api: httpx.AsyncClient) -> None:
    phone = await Phone(api).enrol(await add_person(database, birth_date=date(1985, 2, 3)))
    cards = (await phone.get("/v1/cards")).json()["cards"]
    answer = await phone.request("PATCH", "/v1/me/preferences", json={"locale": "en", "time_zone": "Asia/Jayapura"})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["locale"], answer.json()["time_zone"]) == ("en", "Asia/Jayapura")
    assert (await phone.get("/v1/inbox")).json()["entries"][0]["title"] == "Your preferences were changed"
    head = (await phone.get("/v1/inbox")).json()["head"]
    await phone.request("PATCH", "/v1/me/preferences", json={"locale": "en"})
    assert (await phone.get("/v1/inbox")).json()["head"] == head, "what is so already is no change"
    assert (await phone.get("/v1/cards")).json()["cards"] == cards
    refused = await phone.request("PATCH", "/v1/me/preferences", json={"time_zone": "Europe/Berlin"})
    assert refused.status_code == 400
