"""A support code that the participant reads out: one person, one use, 15 minutes; guesses are counted before they are checked."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import date, timedelta

import httpx
import pytest
import pytest_asyncio

from tests.conftest import Database
from tests.people import NewCard, Person, Phone, add_person
from tests.staff.conftest import Staff, looks


@pytest_asyncio.fixture
async def dwi(database: Database) -> Person:
    return await add_person(
        database,
        NewCard(balance=14_265_493, opened_on=date(2013, 3, 1)),
        NewCard(balance=9_910_352, status="active", opened_on=date(2019, 2, 1)),
    )


@pytest_asyncio.fixture
async def phone(dwi: Person, api: httpx.AsyncClient) -> Phone:
    return await Phone(api).enrol(dwi)


async def make_code(phone: Phone) -> str:
    answer = await phone.post("/v1/support-codes", {}, key="")
    assert answer.status_code == 201, answer.text
    code: str = answer.json()["code"]
    return code


async def age_codes(database: Database, person: Person, minutes: int) -> None:
    """As if they had been made, and used, that much earlier."""
    owner = await database.connect()
    async with owner.transaction():
        await owner.execute("ALTER TABLE support_codes DISABLE TRIGGER USER")
        await owner.execute(
            """UPDATE support_codes SET made_at = made_at - $2::interval, expires_at = expires_at - $2::interval,
            used_at = used_at - $2::interval, view_until = view_until - $2::interval WHERE participant_id = $1""",
            person.participant_id,
            timedelta(minutes=minutes),
        )
        for trigger in ("by_function_only", "are_used_once", "are_not_truncated"):
            await owner.execute(f"ALTER TABLE support_codes ENABLE ALWAYS TRIGGER support_codes_{trigger}")
    await owner.close()


async def use_up_tries(staff: Staff, subject: str) -> list[int]:
    """Wrong codes until there are no more tries: what was left after each."""
    token = staff.provider.sign(sub=subject, roles=["viewer"])
    left: list[int] = []
    while True:
        body = {"support_view": {"support_code": f"ZZZZ-{len(left):04d}", "purpose": "support"}}
        answer = await staff.ask("participants/view", body, token=token)
        if answer.status_code == 429:
            assert answer.json()["code"] == "support_code_tries_spent"
            return left
        assert (answer.status_code, answer.json()["code"]) == (404, "support_code_unknown")
        left.append(answer.json()["tries_left"])


async def test_a_code_that_is_read_out_shows_cards_and_no_number_that_is_secret(
    dwi: Person, phone: Phone, staff: Staff
) -> None:
    code = await make_code(phone)
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}", code)
    answer = await staff.view(code)
    assert answer.status_code == 200, answer.text
    view = answer.json()
    assert [card["balance"] for card in view["cards"]] == [14_265_493, 9_910_352]
    assert view["person"]["nik"] == "•" * 12 + dwi.nik[-4:]
    assert (view["merges"], view["cases"]) == ([], [])
    assert view["history"][0]["kind"] == "support_code_made"
    assert dwi.nik not in answer.text
    assert str(dwi.phone) not in answer.text
    (look,) = await looks(phone)
    assert (look["what"], look["purpose"], look["case_id"]) == ("person", "support", None)
    kinds = [entry["kind"] for entry in (await phone.get("/v1/inbox?limit=2")).json()["entries"]]
    assert kinds == ["looked_at", "support_code_made"]


async def test_a_code_is_understood_however_it_is_written_down(phone: Phone, staff: Staff) -> None:
    code = await make_code(phone)
    written = code.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert (await staff.view(written)).status_code == 200


async def test_the_first_who_uses_a_code_has_it_alone_for_15_minutes(
    dwi: Person, phone: Phone, staff: Staff, database: Database
) -> None:
    code = await make_code(phone)
    first = (await staff.view(code)).json()
    assert (await staff.view(code, by="budi")).json()["code"] == "support_code_unknown"
    again = (await staff.view(code)).json()
    assert again["view_until"] == first["view_until"]
    assert len(await looks(phone)) == 2
    await age_codes(database, dwi, 15)
    assert (await staff.view(code)).json()["code"] == "support_code_unknown"


async def test_a_code_nobody_used_ends_after_15_minutes(
    dwi: Person, phone: Phone, staff: Staff, database: Database
) -> None:
    code = await make_code(phone)
    await age_codes(database, dwi, 15)
    assert (await staff.view(code)).json()["code"] == "support_code_unknown"
    assert await looks(phone) == []


async def test_a_new_code_ends_the_one_before_and_not_the_view_that_is_open(phone: Phone, staff: Staff) -> None:
    first, second = await make_code(phone), await make_code(phone)
    assert (await staff.view(first)).json()["code"] == "support_code_unknown"
    assert (await staff.view(second)).status_code == 200
    third = await make_code(phone)
    assert (await staff.view(second)).status_code == 200
    assert (await staff.view(third, by="budi")).status_code == 200


@pytest.mark.parametrize("_", range(3))
async def test_of_two_members_of_staff_at_once_one_sees_something(phone: Phone, staff: Staff, _: int) -> None:
    code = await make_code(phone)
    answers = await asyncio.gather(*(staff.view(code, by=by) for by in ("siti", "budi")))
    assert sorted(answer.status_code for answer in answers) == [200, 404]
    assert len(await looks(phone)) == 1


async def test_guesses_are_limited_for_each_member_of_staff_and_a_good_code_costs_none(
    phone: Phone, staff: Staff, dwi: Person
) -> None:
    assert await use_up_tries(staff, f"guesser-{dwi.participant_id}") == list(range(9, -1, -1))
    code = await make_code(phone)
    spent = staff.provider.sign(sub=f"GUESSER-{dwi.participant_id}", roles=["viewer"])
    body = {"support_view": {"support_code": code, "purpose": "support"}}
    assert (await staff.ask("participants/view", body, token=spent)).status_code == 429
    assert await looks(phone) == []
    fresh = staff.provider.sign(sub=f"fresh-{dwi.participant_id}", roles=["viewer"])
    for _ in range(15):
        assert (await staff.ask("participants/view", body, token=fresh)).status_code == 200


async def test_no_more_than_ten_of_many_guesses_at_once_are_checked(staff: Staff, dwi: Person) -> None:
    token = staff.provider.sign(sub=f"hasty-{dwi.participant_id}", roles=["viewer"])
    bodies = [{"support_view": {"support_code": f"ZZZ{number:05d}", "purpose": "support"}} for number in range(40)]
    answers = await asyncio.gather(*(staff.ask("participants/view", body, token=token) for body in bodies))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [404] * 10 + [429] * 30


async def test_twenty_codes_a_day_are_enough(phone: Phone) -> None:
    for _ in range(20):
        await make_code(phone)
    answer = await phone.post("/v1/support-codes", {}, key="")
    assert (answer.status_code, answer.json()["code"]) == (429, "support_codes_too_many")


async def test_the_code_is_kept_nowhere(phone: Phone, staff: Staff, database: Database, dwi: Person) -> None:
    code = await make_code(phone)
    await staff.view(code)
    export = (await phone.get("/v1/me/export")).json()["export"]
    assert len(export["support_codes"]) == len(export["access_log"]) == 1
    owner = await database.connect()
    rows = [
        dict(row)
        for table in ("support_codes", "history_data", "causes", "access_log", "idempotency_keys")
        for row in await owner.fetch(f"SELECT * FROM {table} WHERE participant_id = $1", dwi.participant_id)
    ]
    await owner.close()
    text = json.dumps([export, *rows], default=repr)
    assert code not in text
    assert code.replace("-", "") not in text


async def test_logs_name_nobody(dwi: Person, phone: Phone, staff: Staff, capfd: pytest.CaptureFixture[str]) -> None:
    code = await make_code(phone)
    await staff.view(code)
    await staff.view("ZZZZ-ZZZZ", by="budi")
    await staff.ask("cases/search", {"case_search": {}}, token=staff.provider.sign(exp=1))
    await staff.ask("cases/search", {"case_search": {}}, token="a.b.c")
    said = "".join(capfd.readouterr())
    assert "staff_token_refused" in said
    for personal in (dwi.nik, *dwi.kpjs, dwi.name, str(dwi.phone), code, "siti", "budi"):
        assert personal not in said, personal
