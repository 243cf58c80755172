"""The breaker over all one-time codes: it pauses guessing, and nobody's own way in."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
import structlog

from app.identity.sweep import sweep_identity
from app.platform.database import connect
from tests.conftest import Apps, Database
from tests.feed.conftest import Core
from tests.identity.branch import hand_out, new_code
from tests.identity.conftest import ServeApi
from tests.identity.test_enrol import code_of, wrong
from tests.people import Person, Phone, add_person, new_kpj

LIMIT, WINDOW_S = 5, 600


@pytest_asyncio.fixture
async def api(fresh_database: Database, serve_api: ServeApi) -> AsyncIterator[httpx.AsyncClient]:
    async with serve_api(fresh_database, code_failures_limit=LIMIT, code_failures_window_s=WINDOW_S) as api:
        yield api


async def guess(api: httpx.AsyncClient, person: Person, times: int) -> list[int]:
    """Wrong codes, three for each enrolment; the statuses of the answers."""
    phone, statuses = Phone(api), []
    for number in range(times):
        if number % 3 == 0:
            enrolment_id = (await phone.ask_enrolment(person)).json()["enrolment_id"]
        statuses.append((await phone.verify(enrolment_id, wrong(code_of(enrolment_id)))).status_code)
    return statuses


async def test_too_many_failures_pause_codes_and_nothing_else(
    api: httpx.AsyncClient, fresh_database: Database, fresh_core: Core
) -> None:
    owner, victims = await add_person(fresh_database), [await add_person(fresh_database) for _ in range(2)]
    old = await Phone(api).enrol(owner)
    with structlog.testing.capture_logs() as logs:
        assert await guess(api, victims[0], 3) == [422] * 3
        assert await guess(api, victims[1], 3) == [422, 422, 503], "of all people together"
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["codes_paused"]

    new = Phone(api)
    new.device_id = (await new.ask_enrolment(owner)).json()["enrolment_id"]
    unknown = (await new.ask_enrolment(owner, kpj=new_kpj())).json()["enrolment_id"]
    paused, of_nobody = await new.verify(new.device_id, code_of(new.device_id)), await new.verify(unknown, "00000000")
    assert (paused.status_code, paused.json()["code"], paused.headers["retry-after"]) == (503, "codes_paused", "60")
    assert paused.json() | {"instance": ""} == of_nobody.json() | {"instance": ""}
    await old.sign_in()
    slip = await hand_out(fresh_core, owner.nik)
    at_branch = (await new.ask_enrolment(owner)).json()["enrolment_id"]
    assert (await new.verify_at_branch(at_branch, slip)).status_code == 201
    assert (await old.approve(new.device_id)).status_code == 200

    waiting = (await new.ask_enrolment(owner)).json()["enrolment_id"]
    for _ in range(5):
        assert (await new.verify(waiting, code_of(waiting))).status_code == 503
    await api.post("/local/clock", json={"advance_s": WINDOW_S + 60})
    again = (await new.ask_enrolment(owner)).json()["enrolment_id"]
    assert (await new.verify(again, code_of(again))).status_code == 201, "it closes by itself"


async def test_a_pause_uses_up_no_try(api: httpx.AsyncClient, fresh_database: Database) -> None:
    owner, victims = await add_person(fresh_database), [await add_person(fresh_database) for _ in range(2)]
    phone = Phone(api)
    enrolment_id = (await phone.ask_enrolment(owner)).json()["enrolment_id"]
    for victim in victims:
        await guess(api, victim, 3)
    for _ in range(5):
        assert (await phone.verify(enrolment_id, code_of(enrolment_id))).status_code == 503
    connection = await fresh_database.connect()
    await connection.execute("DELETE FROM code_failures")
    await connection.close()
    assert (await phone.verify(enrolment_id, code_of(enrolment_id))).status_code == 201


async def test_what_can_never_be_right_pauses_nothing(
    api: httpx.AsyncClient, fresh_database: Database, fresh_core: Core
) -> None:
    """Enrolments of nobody and branch codes are counted to be looked at: a stranger cannot pause the country with them."""
    person = await add_person(fresh_database)
    phone = Phone(api)
    for _ in range(LIMIT):
        unknown = (await phone.ask_enrolment(person, kpj=new_kpj())).json()["enrolment_id"]
        known = (await phone.ask_enrolment(person)).json()["enrolment_id"]
        assert (await phone.verify(unknown, code_of(unknown))).status_code == 422
        assert (await phone.verify_at_branch(known, new_code())).status_code == 422
    rows = await fresh_core.ask(
        "SELECT kind, sum(failures)::int AS failures FROM code_failures GROUP BY kind ORDER BY kind"
    )
    assert {row["kind"]: row["failures"] for row in rows} == {"branch_code": LIMIT, "otp_of_nobody": LIMIT}
    await phone.enrol(person)


@pytest.mark.parametrize("days", [1, 8])
async def test_counts_are_swept_when_they_have_served(fresh_apps: Apps, days: int) -> None:
    person = await add_person(fresh_apps.database)
    await guess(fresh_apps.api, person, 1)
    await fresh_apps.api.post("/local/clock", json={"advance_s": days * 86_400})
    pool = await connect(fresh_apps.database.url("sepakat_worker"), size=2, application="tests")
    await sweep_identity(pool)
    assert await pool.fetchval("SELECT count(*) FROM code_failures") == (1 if days == 1 else 0)
    await pool.close()
