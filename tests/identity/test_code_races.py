"""Many guesses at one code at once, over four API processes, while Valkey is emptied: at most three are ever looked at.

Two processes where nobody asks for rounds, for the time that they take to start.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import msgspec
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from app.local.servers import Postgres, Valkey
from tests.api_process import api_process
from tests.conftest import Database, settings_for
from tests.feed.conftest import Core
from tests.identity.branch import hand_out, new_code
from tests.identity.test_enrol import code_of, wrong
from tests.people import Person, Phone, add_person

ROUNDS = int(os.environ.get("ROUNDS", "1"))
PROCESSES = 4 if "ROUNDS" in os.environ else 2
GUESSES = 64
"""From each process, at once."""


@pytest_asyncio.fixture(scope="module")
async def processes(
    database: Database, servers: tuple[Postgres, Valkey], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Clients of several API processes over one database; the breaker would end the longer runs."""
    settings = msgspec.structs.replace(settings_for(database, servers[1], "sepakat_api"), code_failures_limit=10**9)
    folder = tmp_path_factory.mktemp("api")
    async with AsyncExitStack() as stack:
        starting = (api_process(settings, folder / f"api-{number}.log") for number in range(PROCESSES))
        yield list(await asyncio.gather(*(stack.enter_async_context(one) for one in starting)))


@asynccontextmanager
async def valkey_emptied(valkey: Valkey) -> AsyncIterator[None]:
    """Flushed again and again, all the while."""

    async def flush() -> None:
        async with Redis.from_url(valkey.url) as redis:
            while True:
                await redis.flushall()
                await asyncio.sleep(0.005)

    flushing = asyncio.create_task(flush())
    try:
        yield
    finally:
        flushing.cancel()
        await asyncio.gather(flushing, return_exceptions=True)


async def looked_at(database: Database, enrolment_id: str, person: Person) -> tuple[int, int, int]:
    """Tries of the enrolment, tries of the person's day, and keys that were added."""
    connection = await database.connect()
    row = await connection.fetchrow(
        """SELECT e.tries, coalesce((SELECT sum(t.tries) FROM code_tries AS t WHERE t.participant_id = e.participant_id), 0)::int,
            (SELECT count(*) FROM devices AS d WHERE d.participant_id = e.participant_id)::int
        FROM enrolments AS e WHERE e.enrolment_id = $1 AND e.participant_id = $2""",
        enrolment_id,
        person.participant_id,
    )
    await connection.close()
    assert row is not None
    tries, of_day, keys = row
    return tries, of_day, keys


@pytest.mark.timeout(90 + ROUNDS * 3)
async def test_of_all_guesses_at_once_at_most_three_are_looked_at(
    processes: list[httpx.AsyncClient],
    database: Database,
    servers: tuple[Postgres, Valkey],
    capfd: pytest.CaptureFixture[str],
) -> None:
    began, told, right = time.monotonic(), Counter[tuple[int, str]](), 0
    async with valkey_emptied(servers[1]):
        for number in range(1, ROUNDS + 1):
            person = await add_person(database)
            enrolment_id = (await Phone(processes[0]).ask_enrolment(person)).json()["enrolment_id"]
            guesses = [wrong(code_of(enrolment_id)) for _ in range(PROCESSES * GUESSES - 1)] + [code_of(enrolment_id)]
            random.shuffle(guesses)
            answers = await asyncio.gather(
                *(Phone(processes[i % PROCESSES]).verify(enrolment_id, guess) for i, guess in enumerate(guesses))
            )
            found = Counter((answer.status_code, answer.json().get("code", "done")) for answer in answers)
            assert found.keys() <= {(201, "done"), (422, "otp_invalid")}, found
            tries, of_day, keys = await looked_at(database, enrolment_id, person)
            assert tries == of_day <= 3, found
            assert keys == found[201, "done"] <= 1, found
            left = sorted(a.json()["tries_left"] for a in answers if a.status_code == 422 and a.json()["tries_left"])
            assert left in ([1, 2], [2], []), "nobody was told of a try that was not counted"
            told += found
            right += keys
            if number % 25 == 0 or number == ROUNDS:
                with capfd.disabled():
                    spent = f"{time.monotonic() - began:.0f} s"
                    sys.stdout.write(
                        f"\nround {number} of {ROUNDS}, {PROCESSES} × {GUESSES} at once, {spent}: {dict(told)}"
                    )
                    sys.stdout.flush()
    assert right <= ROUNDS


async def test_of_all_tries_with_branch_codes_at_once_three_are_looked_at_and_one_code_serves_once(
    processes: list[httpx.AsyncClient], database: Database, feed: httpx.AsyncClient
) -> None:
    person = await add_person(database)
    slip = await hand_out(Core(feed, database), person.nik)
    asked = [(await Phone(processes[0]).ask_enrolment(person)).json()["enrolment_id"] for _ in range(8)]
    tries = [(enrolment_id, slip) for enrolment_id in asked]
    tries += [(random.choice(asked), new_code()) for _ in range(PROCESSES * GUESSES - len(tries))]
    random.shuffle(tries)
    answers = await asyncio.gather(
        *(Phone(processes[i % PROCESSES]).verify_at_branch(one, code) for i, (one, code) in enumerate(tries))
    )
    found = Counter(answer.status_code for answer in answers)
    assert found.keys() <= {201, 422}, found
    assert found[201] <= 1
    for enrolment_id in asked:
        assert (await looked_at(database, enrolment_id, person))[0] <= 3
