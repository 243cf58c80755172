"""Signing out everywhere, and the two limits after which a session is over by itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest_asyncio

from app.identity.sweep import sweep_identity
from app.platform.database import connect
from tests.conftest import Apps, Database
from tests.people import Person, Phone, add_person

DAY_S = 86_400


@pytest_asyncio.fixture
async def dwi(database: Database) -> Person:
    return await add_person(database)


async def living(phone: Phone) -> list[dict[str, Any]]:
    sessions: list[dict[str, Any]] = (await phone.get("/v1/sessions")).json()["sessions"]
    return sessions


async def wait_days(apps: Apps, days: float) -> None:
    await apps.api.post("/local/clock", json={"advance_s": int(days * DAY_S)})


async def test_signing_out_everywhere_else_leaves_this_phone_alone(api: httpx.AsyncClient, dwi: Person) -> None:
    phone, other = await Phone(api).enrol(dwi), await Phone(api, "Ponsel hilang").enrol(dwi)
    before = dict(phone.session)
    await phone.sign_in()
    assert len(await living(phone)) == 3
    assert (await phone.delete("/v1/sessions")).status_code == 204
    assert [session["current"] for session in await living(phone)] == [True]
    assert (await other.get("/v1/me")).status_code == 401
    assert (await other.ask_refresh()).json()["code"] == "not_signed_in"
    phone.session = before
    assert (await phone.get("/v1/me")).status_code == 401, "an older session of the same phone too"


async def test_signing_out_everywhere_can_mean_here_too(api: httpx.AsyncClient, dwi: Person) -> None:
    phone = await Phone(api).enrol(dwi)
    assert (await phone.delete("/v1/sessions?current=true")).status_code == 204
    assert (await phone.get("/v1/me")).status_code == 401
    assert (await phone.sign_in()).session, "the key stays: only its sessions have ended"


async def test_a_key_on_hold_signs_no_other_phone_out(api: httpx.AsyncClient, dwi: Person) -> None:
    first, thief = await Phone(api).enrol(dwi), await Phone(api, "Ponsel Lain").enrol(dwi)
    answer = await thief.delete("/v1/sessions")
    assert (answer.status_code, answer.json()["code"]) == (403, "hold_in_force")
    assert len(await living(first)) == 2, "all or nothing"
    assert (await first.delete("/v1/sessions/current")).status_code == 204
    assert (await thief.delete("/v1/sessions")).status_code == 204, "its own are left"


async def test_a_strangers_sessions_go_on(api: httpx.AsyncClient, database: Database, dwi: Person) -> None:
    phone, stranger = await Phone(api).enrol(dwi), await Phone(api).enrol(await add_person(database))
    await phone.delete("/v1/sessions?current=true")
    assert (await stranger.get("/v1/me")).status_code == 200


async def test_a_session_used_every_day_is_over_after_180_days(fresh_apps: Apps) -> None:
    phone = await Phone(fresh_apps.api).enrol(await add_person(fresh_apps.database))
    began = datetime.fromisoformat(phone.session["refresh_expires_at"]) - timedelta(days=30)
    for _ in range(8):
        await wait_days(fresh_apps, 20)
        await phone.refresh()
    last = datetime.fromisoformat(phone.session["refresh_expires_at"])
    assert last - began == timedelta(days=180), "the last refresh moves it no further"
    await wait_days(fresh_apps, 20 - 1 / 288)  # five minutes before
    await phone.refresh()
    assert datetime.fromisoformat(phone.session["access_expires_at"]) <= last, "no access token outlives it"
    assert (await phone.get("/v1/me")).status_code == 200
    await wait_days(fresh_apps, 1 / 288)
    assert (await phone.get("/v1/me")).json()["code"] == "not_signed_in"
    assert (await phone.ask_refresh()).json()["code"] == "not_signed_in"
    await phone.sign_in()
    assert (await phone.get("/v1/me")).status_code == 200


async def test_sessions_are_swept_ninety_days_after_their_end(fresh_apps: Apps) -> None:
    person = await add_person(fresh_apps.database)
    phone = await Phone(fresh_apps.api).enrol(person)
    await phone.delete("/v1/sessions/current")
    await phone.sign_in()
    connection = await fresh_apps.database.connect()

    async def kept() -> int:
        pool = await connect(fresh_apps.database.url("sepakat_worker"), size=1, application="test worker")
        await sweep_identity(pool)
        await pool.close()
        count: int = await connection.fetchval("SELECT count(*) FROM sessions")
        return count

    await wait_days(fresh_apps, 89)
    assert await kept() == 2
    await wait_days(fresh_apps, 2)
    assert await kept() == 1, "the one that ended; the other ran out 61 days ago"
    await wait_days(fresh_apps, 30)
    assert await kept() == 0
    assert await connection.fetchval("SELECT count(*) FROM devices") == 1, "the key stays"
    await connection.close()
