"""Many at once, over two API processes: exactly one takes effect, and everybody else gets an answer that is right."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import AsyncExitStack

import httpx
import pytest
import pytest_asyncio

from app.local.servers import Postgres, Valkey
from tests.api_process import api_process
from tests.conftest import Database, settings_for
from tests.merges.conftest import Settle
from tests.merges.merged import NEW, OLD, TOTAL, merge_cards
from tests.people import Person, Phone, add_person

ROUNDS = int(os.environ.get("ROUNDS", "4"))
AT_ONCE = int(os.environ.get("AT_ONCE", "40"))


@pytest_asyncio.fixture(scope="module")
async def two(
    database: Database, servers: tuple[Postgres, Valkey], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Clients of two API processes over one database."""
    settings = settings_for(database, servers[1], "sepakat_api")
    folder = tmp_path_factory.mktemp("api")
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(api_process(settings, folder / f"api-{number}.log")) for number in (1, 2)
        ]


def on(phone: Phone, api: httpx.AsyncClient) -> Phone:
    """The same phone, asking another process."""
    other = Phone(api)
    other.key, other.device_id, other.session = phone.key, phone.device_id, phone.session
    return other


async def at_once(*asked: Awaitable[httpx.Response]) -> Counter[tuple[int, str]]:
    """How many got which answer."""
    found = await asyncio.gather(*asked)
    return Counter((answer.status_code, answer.json().get("code", "done")) for answer in found)


@pytest.fixture
async def dwi(database: Database) -> Person:
    return await add_person(database, OLD, NEW)


async def count(database: Database, person: Person, sql: str) -> int:
    connection = await database.connect()
    try:
        return int(await connection.fetchval(sql, person.participant_id))
    finally:
        await connection.close()


@pytest.mark.timeout(60 + ROUNDS * AT_ONCE // 25)
async def test_of_many_confirmations_at_once_exactly_one_takes_effect(
    two: list[httpx.AsyncClient], database: Database, dwi: Person, capfd: pytest.CaptureFixture[str]
) -> None:
    phone = await Phone(two[0]).enrol(dwi)
    both = [phone, on(phone, two[1])]
    old, new = dwi.kpjs
    began, told = time.monotonic(), Counter[tuple[int, str]]()
    for number in range(1, ROUNDS + 1):
        await phone.sign_in()
        both[1].session = phone.session
        merge = (await phone.post("/v1/merges", {"absorb": [old], "into": new})).json()
        nonces = await make_nonces(phone, merge["id"])
        found = await at_once(*(both[i % 2].confirm(merge, nonce=nonces[i // 2 % len(nonces)]) for i in range(AT_ONCE)))
        assert found[200, "done"] == 1, found
        assert found.keys() <= {(200, "done"), (409, "merge_already_confirmed")}, found
        assert not any(status >= 500 for status, _ in found), found
        told += found
        confirmed = "SELECT count(*) FROM confirmations WHERE participant_id = $1"
        entries = "SELECT count(*) FROM history WHERE participant_id = $1 AND kind = 'merge_confirmed'"
        assert [await count(database, dwi, sql) for sql in (confirmed, entries)] == [number, number]
        assert (await phone.post(f"/v1/merges/{merge['id']}/cancel")).status_code == 200
        if number % 25 == 0 or number == ROUNDS:
            with capfd.disabled():
                spent = f"{time.monotonic() - began:.0f} s"
                sys.stdout.write(f"\nround {number} of {ROUNDS}, {AT_ONCE} at once, {spent}: {dict(told)}")
                sys.stdout.flush()


async def make_nonces(phone: Phone, merge_id: str) -> Sequence[str]:
    """Half as many as confirmations: each is used twice, once in each process."""
    return await asyncio.gather(*(phone.challenge("merge", merge_id) for _ in range(max(1, AT_ONCE // 2))))


async def test_both_ways_at_once_one_wins_and_the_other_is_told_which(
    two: list[httpx.AsyncClient], dwi: Person
) -> None:
    first = await Phone(two[0]).enrol(dwi)
    second = on(first, two[1])
    old, new = dwi.kpjs
    for _ in range(ROUNDS):
        answered = await asyncio.gather(
            first.post("/v1/merges", {"absorb": [old], "into": new}),
            second.post("/v1/merges", {"absorb": [new], "into": old}),
        )
        won, lost = sorted(answered, key=lambda answer: answer.status_code)
        assert (won.status_code, lost.status_code, lost.json()["code"]) == (201, 409, "merge_already_open"), lost.text
        assert lost.json()["merge_id"] == won.json()["id"]
        assert (await first.post(f"/v1/merges/{won.json()['id']}/cancel")).status_code == 200


async def test_confirm_against_cancel_ends_cancelled_and_moves_nothing(
    two: list[httpx.AsyncClient], dwi: Person, cool_off: Settle
) -> None:
    first = await Phone(two[0]).enrol(dwi)
    second = on(first, two[1])
    old, new = dwi.kpjs
    for _ in range(ROUNDS):
        merge = (await first.post("/v1/merges", {"absorb": [old], "into": new})).json()
        nonce = await first.challenge("merge", merge["id"])
        confirmed, cancelled = await asyncio.gather(
            first.confirm(merge, nonce=nonce), second.post(f"/v1/merges/{merge['id']}/cancel")
        )
        assert cancelled.status_code == 200, cancelled.text
        assert confirmed.status_code in (200, 409), confirmed.text
        assert (await first.get(f"/v1/merges/{merge['id']}")).json()["state"] == "cancelled"
    await cool_off()
    await first.sign_in()
    cards = (await first.get("/v1/cards")).json()["cards"]
    assert {card["kpj"]: card["balance"] for card in cards} == {old: OLD.balance, new: NEW.balance}


async def test_a_cancel_against_the_execution_is_one_or_the_other(
    two: list[httpx.AsyncClient], dwi: Person, settle_due: Settle
) -> None:
    phone = await Phone(two[0]).enrol(dwi)
    old, new = dwi.kpjs
    merge = (await phone.post("/v1/merges", {"absorb": [old], "into": new})).json()
    assert (await phone.confirm(merge)).status_code == 200
    assert (await two[0].post("/local/clock", json={"advance_s": 21})).status_code == 200
    answered, *_ = await asyncio.gather(
        on(phone, two[1]).post(f"/v1/merges/{merge['id']}/cancel"), settle_due(), settle_due()
    )
    state = (await phone.get(f"/v1/merges/{merge['id']}")).json()["state"]
    assert (answered.status_code, state) in ((200, "cancelled"), (409, "executed")), answered.text
    cards = (await phone.get("/v1/cards")).json()["cards"]
    assert sum(card["balance"] for card in cards) == TOTAL


async def test_eight_undos_at_once_give_back_once(
    two: list[httpx.AsyncClient], database: Database, dwi: Person, cool_off: Settle
) -> None:
    phone = await Phone(two[0]).enrol(dwi)
    old, new = dwi.kpjs
    merge = await merge_cards(phone, [old], new, cool_off)
    await phone.sign_in()
    shown = (await phone.post(f"/v1/merges/{merge['id']}/undo/plan")).json()
    both = [phone, on(phone, two[1])]
    found = await at_once(*(both[i % 2].undo(merge["id"], shown) for i in range(8)))
    assert found == {(200, "done"): 8}, "the first undoes, the others get its answer"
    executions = "SELECT count(*) FROM merge_executions WHERE participant_id = $1 AND action = 'undo'"
    assert await count(database, dwi, executions) == 1
    cards = (await phone.get("/v1/cards")).json()["cards"]
    assert {card["kpj"]: card["balance"] for card in cards} == {old: OLD.balance, new: NEW.balance}
