"""`sepakat merges pause`: nothing is executed, nothing is lost, and everybody can see why."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
import pytest_asyncio

from app.local.servers import Postgres, Valkey
from app.merges.execute import EXECUTE, settle
from app.merges.pause import pause, resume
from app.platform import database as pools
from tests.conftest import Apps, Database, settings_for
from tests.merges.conftest import COOLING_OFF_S
from tests.people import NewCard, Person, Phone, add_person

OLD = NewCard(status="inactive", balance=14_265_493, opened_on=date(2013, 3, 1))
NEW = NewCard(status="active", balance=9_910_352, opened_on=date(2019, 2, 1))


class Paused:
    """An instance of its own, for a pause stops everybody; Dwi's merge is confirmed and due."""

    def __init__(
        self, apps: Apps, pool: pools.Pool, settings: Any, phone: Phone, person: Person, merge_id: str
    ) -> None:
        self.apps, self.pool, self.settings = apps, pool, settings
        self.phone, self.person, self.merge_id = phone, person, merge_id

    @property
    def admin_url(self) -> str:
        return self.apps.database.url()

    async def settle(self) -> None:
        await settle(self.pool, self.settings)

    async def merge(self) -> dict[str, Any]:
        answer: dict[str, Any] = (await self.phone.get(f"/v1/merges/{self.merge_id}")).json()
        return answer

    async def shown(self) -> dict[str, str] | None:
        paused: dict[str, str] | None = (await self.apps.api.get("/v1/capabilities")).json()["merges_paused"]
        return paused


@pytest_asyncio.fixture
async def due(fresh_apps: Apps, servers: tuple[Postgres, Valkey]) -> AsyncIterator[Paused]:
    person = await add_person(fresh_apps.database, OLD, NEW)
    phone = await Phone(fresh_apps.api).enrol(person)
    merge = (await phone.post("/v1/merges", {"absorb": [person.kpjs[0]], "into": person.kpjs[1]})).json()
    assert (await phone.confirm(merge)).status_code == 200
    await fresh_apps.api.post("/local/clock", json={"advance_s": COOLING_OFF_S + 1})
    settings = settings_for(fresh_apps.database, servers[1], "sepakat_worker")
    pool = await pools.connect(settings.database_url, size=2, application="test worker")
    yield Paused(fresh_apps, pool, settings, phone, person, merge["id"])
    await pool.close()


async def test_a_due_merge_waits_for_the_end_of_the_pause(due: Paused) -> None:
    assert await due.shown() is None
    await pause(due.admin_url, "Selisih saldo diperiksa")
    shown = await due.shown()
    assert shown is not None
    assert shown["reason"] == "Selisih saldo diperiksa"
    for _ in range(2):
        await due.settle()
    waiting = await due.merge()
    assert (waiting["state"], waiting["last_refusal"]) == ("confirmed", None)

    since = await pause(due.admin_url, "Masih diperiksa")
    again = await due.shown()
    assert again == {"since": shown["since"], "reason": "Masih diperiksa"}
    assert since.isoformat().startswith(shown["since"][:19])

    assert await resume(due.admin_url) == since
    assert await resume(due.admin_url) is None
    assert await due.shown() is None
    await due.settle()
    assert (await due.merge())["state"] == "executed"


async def test_during_a_pause_proposals_expire_and_a_merge_can_be_cancelled(due: Paused) -> None:
    await pause(due.admin_url, "x")
    other = await add_person(due.apps.database, OLD, NEW)
    phone = await Phone(due.apps.api).enrol(other)
    merge = (await phone.post("/v1/merges", {"absorb": [other.kpjs[0]], "into": other.kpjs[1]})).json()
    connection = await due.apps.database.connect()
    await connection.execute("UPDATE merges SET expires_at = current_instant() WHERE merge_id = $1", merge["id"])
    await connection.close()
    await due.settle()
    assert (await phone.get(f"/v1/merges/{merge['id']}")).json()["state"] == "expired"
    assert (await due.phone.post(f"/v1/merges/{due.merge_id}/cancel", {})).json()["state"] == "cancelled"


async def test_the_database_itself_executes_nothing_meanwhile(due: Paused) -> None:
    await pause(due.admin_url, "x")
    worker = await due.apps.database.connect("sepakat_worker")
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await worker.execute(
            "SELECT execute_merge($1, $2, interval '30 days')", due.person.participant_id, due.merge_id
        )
    assert refused.value.constraint_name == "merges_are_paused"
    await worker.close()


async def test_a_pause_waits_for_the_execution_under_way_and_then_none_commits(due: Paused) -> None:
    worker = await due.apps.database.connect("sepakat_worker")
    execution = worker.transaction()
    await execution.start()
    await worker.execute("SELECT execute_merge($1, $2, interval '30 days')", due.person.participant_id, due.merge_id)
    pausing = asyncio.create_task(pause(due.admin_url, "x"))
    await asyncio.sleep(0.3)
    assert not pausing.done(), "what was said to be paused must not commit afterwards"
    await execution.commit()
    await asyncio.wait_for(pausing, 5)
    await worker.close()
    assert (await due.merge())["state"] == "executed"


async def test_a_pause_that_comes_between_the_look_and_the_lock_sends_nothing_back(due: Paused) -> None:
    holder = await due.apps.database.connect("sepakat_api")
    held = holder.transaction()
    await held.start()
    await holder.execute("SELECT lock_participant($1)", due.person.participant_id)
    settling = asyncio.create_task(due.settle())
    await asyncio.sleep(0.3)
    await pause(due.admin_url, "x")
    from_the_first = (datetime.min.replace(tzinfo=UTC), UUID(int=0))
    assert await due.pool.fetch(EXECUTE["due"], 100, *from_the_first) == [], (
        "what waits is not looked at again and again"
    )
    await held.commit()
    await holder.close()
    await settling
    waiting = await due.merge()
    assert (waiting["state"], waiting["last_refusal"]) == ("confirmed", None)


@pytest.mark.parametrize("role", ["sepakat_api", "sepakat_worker", "sepakat_feed", "sepakat_operator"])
async def test_no_product_role_pauses_or_resumes(database: Database, role: str) -> None:
    with pytest.raises(asyncpg.PostgresError) as refused:
        await pause(database.url(role), "x")
    assert refused.value.sqlstate in {"42501", "25006"}
    with pytest.raises(asyncpg.PostgresError) as refused:
        await resume(database.url(role))
    assert refused.value.sqlstate in {"42501", "25006"}


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501])
async def test_a_pause_has_a_reason(database: Database, reason: str) -> None:
    with pytest.raises(ValueError, match="1 to 500"):
        await pause(database.url(), reason)


async def run_cli(database: Database, *arguments: str) -> tuple[int | None, str, str]:
    environment = dict(os.environ) | {"SEPAKAT_DATABASE_URL": database.url()}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "app.cli",
        "merges",
        *arguments,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    with contextlib.suppress(TimeoutError):
        out, err = await asyncio.wait_for(process.communicate(), 30)
    return process.returncode, out.decode(), err.decode()


async def test_the_command_says_what_it_did(fresh_apps: Apps) -> None:
    code, out, _ = await run_cli(fresh_apps.database, "pause", "--reason", "Selisih saldo diperiksa")
    assert (code, "No merge is executed since" in out) == (0, True)
    api: httpx.AsyncClient = fresh_apps.api
    assert (await api.get("/v1/capabilities")).json()["merges_paused"]["reason"] == "Selisih saldo diperiksa"
    assert (await run_cli(fresh_apps.database, "resume"))[:2] == (0, "Merges are executed again.\n")
    assert (await run_cli(fresh_apps.database, "resume"))[:2] == (0, "Merges were not paused.\n")
    code, _, err = await run_cli(fresh_apps.database, "pause", "--reason", " ")
    assert (code, "1 to 500 characters" in err) == (1, True)
    assert (await run_cli(fresh_apps.database, "pause"))[0] == 2
