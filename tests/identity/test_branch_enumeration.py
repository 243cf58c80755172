"""Who asks living phones, tries branch codes or comes as an heir learns nothing of who is known: not by words, not by time.

The words are compared always; the time only when `tests.prove` sets TIMED: a machine busy with other tests measures those.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.conftest import Apps, Database
from tests.feed.conftest import Core
from tests.identity.branch import hand_out, new_code
from tests.identity.conftest import ASK_FIRST_S, ServeApi
from tests.people import Person, Phone, add_person, new_kpj, new_nik

N = int(os.environ.get("N", "16"))
TIMED = bool(os.environ.get("TIMED"))
MOST_APART_S = 0.005

Call = Callable[[bool], Awaitable[httpx.Response]]


@pytest_asyncio.fixture
async def api(fresh_database: Database, serve_api: ServeApi) -> AsyncIterator[httpx.AsyncClient]:
    """It asks living phones first, and its breaker stays closed."""
    async with serve_api(fresh_database, ask_first_s=ASK_FIRST_S, code_failures_limit=10**9) as api:
        yield api


@pytest_asyncio.fixture
async def dwi(fresh_database: Database) -> Person:
    return await add_person(fresh_database)


def said(answer: httpx.Response) -> tuple[Any, ...]:
    """All that an answer says, but for the ids and instants that are new each time."""
    body = answer.json()
    told = {
        name: value for name, value in body.items() if name not in ("instance", "enrolment_id", "expires_at", "case_id")
    }
    return answer.status_code, sorted(answer.headers), sorted(body), told, len(answer.content)


async def compare(what: str, call: Call, capfd: pytest.CaptureFixture[str]) -> None:
    spent: dict[bool, list[float]] = {True: [], False: []}
    answers: dict[bool, list[tuple[Any, ...]]] = {True: [], False: []}
    for _ in range(N):
        for known in (True, False):
            began = time.perf_counter()
            answer = await call(known)
            spent[known].append(time.perf_counter() - began)
            answers[known].append(said(answer))
    assert answers[True] == answers[False], what
    apart = statistics.median(spent[True]) - statistics.median(spent[False])
    if TIMED:
        with capfd.disabled():
            sys.stdout.write(f"\n{what}: {N} + {N} calls, medians {apart * 1000:+.2f} ms apart")
        assert abs(apart) <= MOST_APART_S, what


@pytest.mark.timeout(60 + N)
async def test_enrolment_and_its_codes_tell_nobody_who_is_known(
    api: httpx.AsyncClient, dwi: Person, capfd: pytest.CaptureFixture[str]
) -> None:
    await Phone(api, "Ponsel Lama").enrol(dwi)
    new = Phone(api)

    async def enrol(known: bool) -> httpx.Response:
        return await new.ask_enrolment(dwi, **({} if known else {"kpj": new_kpj()}))

    async def enrolment(known: bool) -> str:
        asked: str = (await enrol(known)).json()["enrolment_id"]
        return asked

    await compare("enrolment", enrol, capfd)
    waiting = {known: [await enrolment(known) for _ in range(N)] for known in (True, False)}
    turn = {known: iter(ids) for known, ids in waiting.items()}
    await compare("a wrong code", lambda known: new.verify(next(turn[known]), "00000000"), capfd)
    turn = {known: iter(ids) for known, ids in waiting.items()}
    await compare("a wrong branch code", lambda known: new.verify_at_branch(next(turn[known]), new_code()), capfd)


@pytest.mark.timeout(60 + N)
async def test_asking_as_an_heir_tells_nobody_who_is_known_or_has_died(
    api: httpx.AsyncClient, dwi: Person, fresh_apps: Apps, capfd: pytest.CaptureFixture[str]
) -> None:
    await hand_out(Core(fresh_apps.feed, fresh_apps.database), dwi.nik)

    async def ask(known: bool) -> httpx.Response:
        heir = {"name": "Siti", "phone": "0812-0000-0017", "relation": "child"}
        nik = dwi.nik if known else new_nik(dwi.birth_date)
        return await api.post("/v1/heirs", json={"branch_code": new_code(), "deceased_nik": nik} | heir)

    await compare("an heir", ask, capfd)
