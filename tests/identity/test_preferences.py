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


async def test_quiet_hours_and_channels_are_mine_to_choose_and_told(database: Database, api: httpx.AsyncClient) -> None:
    phone = await Phone(api).enrol(await add_person(database))
    all_on = {"push": True, "email": True, "sms": True}
    me = (await phone.get("/v1/me")).json()
    assert (me["quiet_hours"], me["channels"]) == (None, {"card": all_on, "notice": all_on})
    hours = {"from": "22:00", "to": "06:00"}
    chosen: dict[str, object] = {
        "locale": "en",
        "quiet_hours": hours,
        "channels": {"card": {"email": False, "sms": False}},
    }
    answer = await phone.patch("/v1/me/preferences", chosen)
    assert answer.status_code == 200, answer.text
    assert answer.json() == (await phone.get("/v1/me")).json()
    assert answer.json()["quiet_hours"] == hours
    assert answer.json()["channels"] == {"card": {"push": True, "email": False, "sms": False}, "notice": all_on}
    inbox = (await phone.get("/v1/inbox")).json()
    assert "What was changed: ways of messages, language and quiet hours." in inbox["entries"][0]["body"]
    assert "Your quiet hours: 22:00–06:00." in inbox["entries"][0]["body"]
    assert "No longer sent: news of cards by e-mail and news of cards by SMS." in inbox["entries"][0]["body"]
    assert "always sent" in inbox["entries"][0]["body"]
    repeated: list[dict[str, object]] = [chosen, {}, {"channels": {"card": {"email": False}}}, {"channels": {}}]
    for same in repeated:
        assert (await phone.patch("/v1/me/preferences", same)).status_code == 200
    assert (await phone.get("/v1/inbox")).json()["head"] == inbox["head"], "what is so already is no change"
    exported = (await phone.get("/v1/me/export")).json()["export"]
    assert exported["quiet_hours"] == [{"starts_at": "22:00", "ends_at": "06:00"}]
    assert [row["channel"] for row in exported["switched_off"]] == ["mail", "sms"]

    back = {"quiet_hours": None, "channels": {"card": {"email": True, "sms": True}, "notice": {}}}
    me = (await phone.patch("/v1/me/preferences", back)).json()
    assert (me["quiet_hours"], me["channels"]) == (None, {"card": all_on, "notice": all_on})
    assert (await phone.get("/v1/inbox")).json()["head"]["seq"] == inbox["head"]["seq"] + 1


async def test_what_cannot_be_chosen_is_refused_and_nothing_of_it_is_kept(
    database: Database, api: httpx.AsyncClient
) -> None:
    phone = await Phone(api).enrol(await add_person(database))
    before = (await phone.get("/v1/me")).json()
    for preferences, status, code in (
        ({"locale": "en", "channels": {"security": {"push": False}}}, 422, "class_not_switchable"),
        ({"channels": {"security": {}}}, 422, "class_not_switchable"),
        ({"locale": "en", "quiet_hours": {"from": "22:00", "to": "22:00"}}, 422, "quiet_hours_empty"),
        ({"quiet_hours": {"from": "22:00"}}, 400, "request_invalid"),
        ({"quiet_hours": {"from": "24:00", "to": "06:00"}}, 400, "request_invalid"),
        ({"quiet_hours": {"from": "22:60", "to": "06:00"}}, 400, "request_invalid"),
        ({"quiet_hours": {"from": "22:00:30", "to": "06:00"}}, 400, "request_invalid"),
        ({"quiet_hours": {"from": "22:00\n", "to": "06:00"}}, 400, "request_invalid"),
        ({"quiet_hours": {"from": "٢٢:٠٠", "to": "06:00"}}, 400, "request_invalid"),
        ({"quiet_hours": {"from": "22:00", "to": "06:00", "on": True}}, 400, "request_invalid"),
        ({"quiet_hours": "22:00-06:00"}, 400, "request_invalid"),
        ({"channels": None}, 400, "request_invalid"),
        ({"channels": {"merge": {"push": False}}}, 400, "request_invalid"),
        ({"channels": {"card": {"fax": False}}}, 400, "request_invalid"),
        ({"channels": {"card": {"push": None}}}, 400, "request_invalid"),
        ({"channels": {"card": {"push": "no"}}}, 400, "request_invalid"),
    ):
        answer = await phone.patch("/v1/me/preferences", preferences)
        assert (answer.status_code, answer.json()["code"]) == (status, code), preferences
    assert (await phone.get("/v1/me")).json() == before
