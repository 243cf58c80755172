"""A code is guessed at from everywhere at once, while Valkey forgets everything all the time: three guesses are looked at."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from uuid import UUID

import httpx
from redis.asyncio import Redis

from app.identity.codes import one_time_code
from app.local.servers import Postgres, Valkey
from tests.conftest import SECRET, Database
from tests.people import Phone, add_person

GUESSES = 64
"""At each process."""


async def flush_for_ever(url: str) -> None:
    async with Redis.from_url(url) as redis:
        while True:
            await redis.flushall()
            await asyncio.sleep(0.01)


async def guess_everywhere(
    processes: list[httpx.AsyncClient], enrolment_id: str, guesses: list[str]
) -> list[httpx.Response]:
    asked = [
        Phone(processes[number % len(processes)]).verify(enrolment_id, guess) for number, guess in enumerate(guesses)
    ]
    return await asyncio.gather(*asked)


async def test_three_guesses_are_looked_at_and_not_one_more(
    processes: list[httpx.AsyncClient], database: Database, servers: tuple[Postgres, Valkey]
) -> None:
    person = await add_person(database)
    asked = await Phone(processes[0]).ask_enrolment(person)
    enrolment_id = asked.json()["enrolment_id"]
    right = one_time_code(SECRET, UUID(enrolment_id))
    wrong = [f"{(int(right) + number) % 10**8:08d}" for number in range(1, GUESSES * len(processes) + 1)]
    flushing = asyncio.create_task(flush_for_ever(servers[1].url))
    answers = await guess_everywhere(processes, enrolment_id, wrong)
    flushing.cancel()
    left = Counter(answer.json()["tries_left"] for answer in answers)
    assert left == {2: 1, 1: 1, 0: len(wrong) - 2}
    assert (await Phone(processes[-1]).verify(enrolment_id, right)).status_code == 422
    connection = await database.connect()
    looked_at = await connection.fetchval(
        "SELECT tries FROM enrolments WHERE enrolment_id = $1::text::uuid", enrolment_id
    )
    await connection.close()
    assert looked_at == 3


async def test_the_right_code_among_many_wrong_ones_is_a_matter_of_three_tries(
    processes: list[httpx.AsyncClient], database: Database
) -> None:
    person = await add_person(database)
    enrolment_id = (await Phone(processes[0]).ask_enrolment(person)).json()["enrolment_id"]
    right = one_time_code(SECRET, UUID(enrolment_id))
    guesses = [right] + ["00000000"] * (GUESSES * len(processes) - 1)
    random.Random(1).shuffle(guesses)
    answers = await guess_everywhere(processes, enrolment_id, guesses)
    statuses = Counter(answer.status_code for answer in answers)
    assert statuses[201] <= 1
    assert statuses[201] + statuses[422] == len(guesses)
