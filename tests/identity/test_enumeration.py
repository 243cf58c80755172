"""Whoever asks learns neither who is a participant nor which phones and card numbers exist: not by words, not by time.

N calls about what exists and N about what does not, interleaved. The words are compared always; the time only when
`tests.prove` sets TIMED, for a machine that is busy with other tests measures those.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.conftest import Database
from tests.people import Person, Phone, add_person, new_kpj, new_nik

N = int(os.environ.get("N", "24"))
TIMED = bool(os.environ.get("TIMED"))
LARGEST_DIFFERENCE_MS = 5.0
OWN = ("instance", "enrolment_id", "expires_at", "nonce")
"""Members that differ between any two answers."""
Answers = tuple[httpx.Response, ...]
Ask = Callable[[bool], Awaitable[Answers]]


@pytest.fixture
def api(processes: list[httpx.AsyncClient]) -> httpx.AsyncClient:
    """A process of its own: the time of this one's event loop is not measured."""
    return processes[0]


def said(answer: httpx.Response) -> Any:
    """Everything that can be told apart in an answer, but for ids and instants."""
    body = {name: value for name, value in answer.json().items() if name not in OWN}
    members = sorted(answer.json())
    headers = {name: value for name, value in answer.headers.items() if name not in ("date", "server")}
    return answer.status_code, members, body, headers


async def compare(ask: Ask) -> None:
    """Asks N times about what exists and N times about what does not, in random order."""
    for known in (True, False) * 5:
        await ask(known)  # warms what is kept: statements, connections
    took: dict[bool, list[float]] = defaultdict(list)
    words: dict[bool, list[Any]] = defaultdict(list)
    order = [True, False] * N
    random.Random(N).shuffle(order)
    for known in order:
        began = time.perf_counter()
        answers = await ask(known)
        took[known].append((time.perf_counter() - began) * 1000)
        words[known] += [said(answer) for answer in answers]
    assert all(word in words[False] for word in words[True])
    assert all(word in words[True] for word in words[False])
    known_ms, unknown_ms = statistics.median(took[True]), statistics.median(took[False])
    difference = abs(known_ms - unknown_ms)
    sys.stdout.write(f"\n{N} + {N}: known {known_ms:.2f} ms, unknown {unknown_ms:.2f} ms, apart {difference:.2f} ms")
    assert not TIMED or difference <= LARGEST_DIFFERENCE_MS


@pytest.mark.parametrize("untrue", ["nik", "kpj", "birth_date"])
async def test_an_enrolment(api: httpx.AsyncClient, database: Database, untrue: str) -> None:
    person, phone = await add_person(database), Phone(api)
    strangers: dict[str, Callable[[], str]] = {
        "nik": lambda: new_nik(person.birth_date),
        "kpj": new_kpj,
        "birth_date": lambda: "1991-02-03",
    }

    async def ask(known: bool) -> Answers:
        return (await phone.ask_enrolment(person, **({} if known else {untrue: strangers[untrue]()})),)

    await compare(ask)


async def test_a_wrong_code(api: httpx.AsyncClient, database: Database) -> None:
    people = [await add_person(database) for _ in range(max(N // 8, 4))]  # ten tries a day each
    phone, turn = Phone(api), iter(range(10**9))

    async def ask(known: bool) -> Answers:
        person: Person = people[next(turn) % len(people)]
        asked = await phone.ask_enrolment(person, **({} if known else {"nik": new_nik(person.birth_date)}))
        return (await phone.verify(asked.json()["enrolment_id"], "00000000"),)

    await compare(ask)


async def test_signing_in(api: httpx.AsyncClient, database: Database) -> None:
    owner = await Phone(api).enrol(await add_person(database))
    thief = Phone(api)

    async def ask(known: bool) -> Answers:
        thief.device_id = owner.device_id if known else str(uuid4())
        challenge = await api.post("/v1/challenges", json={"purpose": "sign_in", "device_id": thief.device_id})
        return challenge, await thief.ask_sign_in(challenge.json()["nonce"])

    await compare(ask)


async def test_looking_up_a_card_that_is_not_mine(api: httpx.AsyncClient, database: Database) -> None:
    phone = await Phone(api).enrol(await add_person(database))
    stranger = await add_person(database)

    async def ask(known: bool) -> Answers:
        kpj = stranger.kpjs[0] if known else new_kpj()
        return (await phone.post("/v1/cards/resolve", {"kpj": kpj}, key=""),)

    await compare(ask)


async def test_looking_at_a_card_or_merge_that_is_not_mine(api: httpx.AsyncClient, database: Database) -> None:
    phone = await Phone(api).enrol(await add_person(database))
    theirs = next(iter((await add_person(database)).cards.values())).card_id

    async def ask(known: bool) -> Answers:
        return (await phone.get(f"/v1/cards/{theirs if known else uuid4()}"),)

    await compare(ask)
