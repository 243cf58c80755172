"""Before an employer makes a card: which one to go on with; and the worker hears of the question."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import httpx

from tests.feed.conftest import Core, Worker, event, sign
from tests.people import new_kpj, new_nik


async def check(feed: httpx.AsyncClient, nik: str, employer_id: str = "E-new") -> dict[str, Any]:
    raw = json.dumps({"registration_check": {"nik": nik, "employer_id": employer_id}}).encode()
    answer = await feed.post("/feed/v1/registrations/check", content=raw, headers=sign(raw))
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_the_living_card_is_to_be_continued_and_its_holder_is_told_once_a_day(core: Core, dwi: Worker) -> None:
    old, living = new_kpj(), new_kpj()
    await core.apply(
        dwi.opened(old, balance=14_265_493),
        dwi.opened(living, balance=9_910_352),
        event(
            "card.status_changed",
            {"kpj": old, "status": "inactive", "effective_on": "2019-09-01", "reason": "left"},
        ),
        event("employer.updated", {"employer_id": "E-1", "name": "PT Sinar Garmen Majalaya"}),
    )
    answer = await check(core.feed, dwi.nik)
    assert answer["card"]["kpj"] == living
    assert (answer["advice"], answer["cards"], answer["told"]) == ("continue_card", 2, True)
    assert "balance" not in answer["card"]
    again = await check(core.feed, dwi.nik)
    assert (again["card"], again["told"]) == (answer["card"], False)
    assert (await check(core.feed, dwi.nik, "E-other"))["told"]
    told = [entry for entry in await core.history(dwi.nik) if entry["kind"] == "registration_checked"]
    assert [(entry["data"]["kpj"], entry["data"]["employer_id"], entry["queued"]) for entry in told] == [
        (living, "E-new", True),
        (living, "E-other", True),
    ]
    assert {entry["origin"] for entry in told} == {"agency"}


async def test_the_card_of_this_very_employer_comes_first_and_is_no_news(core: Core, dwi: Worker) -> None:
    first, other = new_kpj(), new_kpj()
    elsewhere = dwi.opened(other) | {}
    elsewhere["data"] = elsewhere["data"] | {"employer": {"id": "E-2", "name": "PT Lain"}, "opened_on": "2024-01-01"}
    await core.apply(dwi.opened(first), elsewhere)
    answer = await check(core.feed, dwi.nik, "E-1")
    assert (answer["card"]["kpj"], answer["told"]) == (first, False)


async def test_without_a_card_that_can_be_continued_one_is_to_be_opened(core: Core, dwi: Worker) -> None:
    nobody = {"advice": "open_card", "card": None, "cards": 0, "told": False}
    assert await check(core.feed, new_nik(date(1985, 3, 4))) == nobody
    assert await check(core.feed, dwi.nik) == nobody
    kpj = new_kpj()
    await core.apply(
        dwi.opened(kpj), event("card.status_changed", {"kpj": kpj, "status": "claimed", "effective_on": "2024-01-01"})
    )
    assert await check(core.feed, dwi.nik) == nobody | {"cards": 1}


async def test_the_number_of_somebody_who_died_is_to_be_looked_into(core: Core, dwi: Worker) -> None:
    await core.apply(dwi.opened(new_kpj()), event("participant.deceased", {"nik": dwi.nik, "on": "2026-01-02"}))
    assert await check(core.feed, dwi.nik) == {"advice": "stop", "card": None, "cards": 1, "told": False}


async def test_who_does_not_sign_learns_nothing(core: Core, dwi: Worker) -> None:
    raw = json.dumps({"registration_check": {"nik": dwi.nik, "employer_id": "E-1"}}).encode()
    headers = sign(raw) | {"webhook-signature": "v1,AAAA"}
    answer = await core.feed.post("/feed/v1/registrations/check", content=raw, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "signature_invalid")
