"""Whom nothing has reached is a case: staff look for the person, each look is logged, and it ends by itself when they read it."""

from __future__ import annotations

import argparse
import asyncio
import io
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio

from app.cases.overdue import tell_overdue
from app.cases.unreached import keep_unreached
from app.cli import cases
from app.platform.database import Pool, connect
from tests.cases.reports import decided
from tests.conftest import Database
from tests.feed.conftest import Core
from tests.people import NewCard, Person, Phone, add_person
from tests.staff.conftest import Staff, looks


@pytest_asyncio.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    pool = await connect(database.url("sepakat_worker"), size=2, application="tests")
    yield pool
    await pool.close()


@pytest_asyncio.fixture
async def person(database: Database) -> Person:
    return await add_person(database, NewCard(balance=5))


@pytest_asyncio.fixture
async def phone(api: httpx.AsyncClient, person: Person) -> Phone:
    """Of a person who was told of her first key, and may not have seen it."""
    return await Phone(api).enrol(person)


async def cannot_reach(database: Database, person: Person) -> None:
    """All that climbs has come to the list of people."""
    connection = await database.connect("sepakat_worker")
    await connection.execute(
        "UPDATE climbs SET state = 'unreached', ended_at = current_instant()"
        " WHERE participant_id = $1 AND channel = 'people' AND state = 'waiting'",
        person.participant_id,
    )
    await connection.close()


async def unreached(phone: Phone) -> list[dict[str, Any]]:
    found = (await phone.get("/v1/cases")).json()["cases"]
    return [case for case in found if case["kind"] == "unreached"]


async def kinds(phone: Phone) -> list[str]:
    return [entry["kind"] for entry in (await phone.get("/v1/inbox")).json()["entries"]]


async def test_staff_look_for_whom_nothing_reached_and_the_look_is_logged(
    database: Database, pool: Pool, person: Person, phone: Phone, staff: Staff
) -> None:
    await keep_unreached(pool)
    assert await unreached(phone) == []
    await cannot_reach(database, person)
    assert person.participant_id in (await keep_unreached(pool)).wakes
    assert person.participant_id not in (await keep_unreached(pool)).wakes
    (case,) = await unreached(phone)
    assert (case["state"], case["figures"]["kinds"]) == ("open", ["key_added"])
    assert (await kinds(phone))[0] == "unreached_case_opened"

    cursor, listed = None, []
    while True:
        search = {"state": "open", "kind": "unreached", "limit": 100} | ({"cursor": cursor} if cursor else {})
        page = (await staff.ask("cases/search", {"case_search": search})).json()
        listed += [found["id"] for found in page["cases"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert case["id"] in listed
    shown = await staff.read(case["id"], "unreached", by="dewi")
    assert (shown["person"]["nik"], shown["person"]["name"]) == (person.nik, person.name)
    assert "•" in shown["person"]["phone"]
    (look, *_) = await looks(phone)
    assert (look["what"], look["purpose"], look["case_id"]) == ("case", "unreached", case["id"])

    refused = await staff.decide(case["id"], "restored")
    assert refused.json()["code"] == "decision_unfit"
    reason = "Surat sudah diterima"
    assert (await staff.decide(case["id"], "reached", by="siti", reason=reason)).json()["state"] == "proposed"
    assert (await staff.decide(case["id"], "reached", by="budi", reason=reason)).json()["state"] == "decided"
    (case,) = await unreached(phone)
    assert (case["decision"], case["reason"]) == ("reached", reason)
    assert (await phone.get("/v1/inbox")).json()["entries"][0]["kind"] == "unreached_case_decided"

    # what is known to be unread by then is no new case; what comes to nobody's knowledge later is
    assert person.participant_id not in (await keep_unreached(pool)).wakes


async def test_it_ends_when_the_person_reads_it_after_all(
    database: Database, pool: Pool, person: Person, phone: Phone
) -> None:
    await cannot_reach(database, person)
    await keep_unreached(pool)
    entry = next(one for one in (await phone.get("/v1/inbox")).json()["entries"] if one["kind"] == "key_added")
    assert (await phone.post(f"/v1/inbox/{entry['seq']}/acknowledge")).status_code in (200, 204)
    assert person.participant_id in (await keep_unreached(pool)).wakes
    (case,) = await unreached(phone)
    assert (case["state"], case["decision"]) == ("decided", "read")
    assert person.participant_id not in (await keep_unreached(pool)).wakes


async def test_the_core_may_decide_it_too_and_nobody_is_told_that_it_is_late(
    database: Database, pool: Pool, person: Person, phone: Phone, core: Core
) -> None:
    await cannot_reach(database, person)
    await keep_unreached(pool)
    (case,) = await unreached(phone)
    owner = await database.connect()
    async with owner.transaction():  # four days go by for this case alone
        await owner.execute("ALTER TABLE cases DISABLE TRIGGER cases_are_decided_once")
        earlier = "opened_at = opened_at - interval '4 days', due_at = due_at - interval '4 days'"
        await owner.execute("SET LOCAL ROLE sepakat_writer")
        await owner.execute(f"UPDATE cases SET {earlier} WHERE case_id = $1", case["id"])
        await owner.execute("RESET ROLE")
        await owner.execute("ALTER TABLE cases ENABLE ALWAYS TRIGGER cases_are_decided_once")
    await owner.close()
    await tell_overdue(pool)
    assert (await unreached(phone))[0]["overdue"]
    assert "case_overdue" not in await kinds(phone)
    await core.apply(decided(case["id"], decision="not_reached", staff="siti"))
    (case,) = await unreached(phone)
    assert case["decision"] == "not_reached"


async def test_only_the_worker_opens_such_cases(database: Database) -> None:
    for role in ("sepakat_api", "sepakat_feed", "sepakat_staff", "sepakat_operator"):
        connection = await database.connect(role)
        with pytest.raises(asyncpg.PostgresError):
            await connection.execute("SELECT keep_unreached_cases(1)")
        await connection.close()


async def test_from_a_terminal_staff_come_with_their_own_token(
    database: Database, pool: Pool, person: Person, phone: Phone, staff: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    await cannot_reach(database, person)
    await keep_unreached(pool)
    (case,) = await unreached(phone)

    def answer(request: httpx.Request) -> httpx.Response:
        """The running app answers what the command asks."""
        asked = staff.client.request(request.method, request.url.path, content=request.read(), headers=request.headers)
        found = asyncio.run_coroutine_threadsafe(asked, loop).result(20)
        return httpx.Response(found.status_code, content=found.content, headers=found.headers)

    loop = asyncio.get_running_loop()
    parser = argparse.ArgumentParser()
    cases.add(parser.add_subparsers())

    async def run(*words: str, by: str) -> list[str]:
        headers = {"authorization": f"Bearer {staff.provider.token(by)}"}
        with httpx.Client(transport=httpx.MockTransport(answer), base_url="http://staff", headers=headers) as client:
            return await asyncio.to_thread(lambda: list(cases.ask(client, parser.parse_args(["cases", *words]))))

    assert any(case["id"] in line for line in await run("list", "--kind", "unreached", by="dewi"))
    (shown,) = await run("show", case["id"], "--purpose", "unreached", by="dewi")
    assert person.nik in shown
    assert (await looks(phone))[0]["role"] == "viewer"
    decide = ("decide", case["id"], "reached", "--reason", "Datang ke kantor cabang")
    with pytest.raises(httpx.HTTPStatusError, match="403"):
        await run(*decide, by="dewi")
    assert '"proposed"' in (await run(*decide, by="siti"))[0]
    assert '"decided"' in (await run(*decide, by="budi"))[0]
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{person.nik}\n" * 2))
    for by, state in (("siti", "proposed"), ("budi", "decided")):
        assert f'"{state}"' in (await run("freeze", "--reason", "Ponsel dicuri", by=by))[0]
