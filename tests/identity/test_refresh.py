"""Refreshing over two API processes: one chain, whatever comes at once; what is old ends it, what was lost does not."""

from __future__ import annotations

import asyncio
import os
from collections import Counter

import httpx

from tests.conftest import Database
from tests.people import Phone, add_person

AT_ONCE = int(os.environ.get("AT_ONCE", "50"))


async def ask_everywhere(phone: Phone, processes: list[httpx.AsyncClient], token: str) -> list[httpx.Response]:
    """Refreshes with one token at both processes, all at once."""

    def ask(number: int) -> asyncio.Task[httpx.Response]:
        phone.api = processes[number % len(processes)]
        return asyncio.create_task(phone.ask_refresh(token))

    asked = []
    for number in range(AT_ONCE):
        asked.append(ask(number))
        await asyncio.sleep(0)  # it has read which process by now
    return await asyncio.gather(*asked)


async def test_fifty_at_once_end_in_one_chain(processes: list[httpx.AsyncClient], database: Database) -> None:
    phone = await Phone(processes[0]).enrol(await add_person(database))
    for _ in range(3):
        answers = await ask_everywhere(phone, processes, phone.session["refresh_token"])
        assert Counter(answer.status_code for answer in answers) == {200: AT_ONCE}
        successors = {answer.json()["session"]["refresh_token"] for answer in answers}
        assert len(successors) == 1
        for answer in answers:
            phone.session = answer.json()["session"]
            assert (await phone.get("/v1/me")).status_code == 200, "every access token that was given out is good"
    connection = await database.connect()
    generation = await connection.fetchval(
        "SELECT generation FROM sessions WHERE session_id = $1::text::uuid", phone.session["session_id"]
    )
    await connection.close()
    assert generation == 3, "three rounds, three steps"


async def test_of_the_same_old_token_fifty_times_the_session_ends_once_everywhere(
    processes: list[httpx.AsyncClient], database: Database
) -> None:
    person = await add_person(database)
    phone = await Phone(processes[0]).enrol(person)
    old = phone.session["refresh_token"]
    await phone.refresh()
    await phone.refresh()
    answers = await ask_everywhere(phone, processes, old)
    assert {answer.status_code for answer in answers} == {401}
    assert Counter(answer.json()["code"] for answer in answers)["refresh_token_reused"] >= 1
    for phone.api in processes:
        assert (await phone.get("/v1/me")).status_code == 401
        assert (await phone.ask_refresh()).json()["code"] == "not_signed_in"
    connection = await database.connect()
    told = await connection.fetchval(
        "SELECT count(*) FROM history WHERE participant_id = $1 AND kind = 'session_ended_for_reuse'",
        person.participant_id,
    )
    await connection.close()
    assert told == 1


async def test_an_answer_that_was_lost_is_asked_for_again_at_another_process(
    processes: list[httpx.AsyncClient], database: Database
) -> None:
    phone = await Phone(processes[0]).enrol(await add_person(database))
    for number in range(4):
        phone.api = processes[number % len(processes)]
        lost = (await phone.ask_refresh()).json()["session"]
        phone.api = processes[(number + 1) % len(processes)]
        again = (await phone.ask_refresh()).json()["session"]
        assert lost["refresh_token"] == again["refresh_token"]
        phone.session = again
    assert (await phone.get("/v1/me")).status_code == 200
    await phone.refresh()


async def test_a_session_that_ended_at_one_process_is_over_at_the_other(
    processes: list[httpx.AsyncClient], database: Database
) -> None:
    phone = await Phone(processes[0]).enrol(await add_person(database))
    assert (await phone.delete("/v1/sessions/current")).status_code == 204
    phone.api = processes[1]
    assert (await phone.get("/v1/me")).status_code == 401
    assert (await phone.ask_refresh()).status_code == 401
