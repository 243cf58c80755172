"""The worker climbs the ladder by itself: without a ring, and after a kill in the middle of sending."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from app.local.servers import Postgres, Valkey
from tests.conftest import Database
from tests.local.running_simulator import RunningSimulator
from tests.people import Person, add_person
from tests.workers.conftest import ADD_DEVICE
from tests.workers.running_worker import RunningWorker, eventually, run_worker

# Until the lease of a killed worker is over, and a sweep.
AFTER_A_KILL_S = 15.0


async def add_key(database: Database, *, email: str | None) -> Person:
    """Somebody to whose account a phone was just added."""
    person = await add_person(database, email=email)
    connection = await database.connect("sepakat_api", entering=person.participant_id)
    await connection.execute(ADD_DEVICE, person.participant_id, uuid4(), "android")
    await connection.close()
    return person


def texts_to(simulator: RunningSimulator, person: Person) -> list[str]:
    return [line["text"] for line in simulator.messages() if line.get("to") == person.phone]


@pytest.mark.long
async def test_a_killed_workers_message_goes_out_again_and_arrives_once(
    fresh_database: Database, servers: tuple[Postgres, Valkey], simulator: RunningSimulator, tmp_path: Path
) -> None:
    url = servers[1].url
    email = f"{uuid4().hex}@example.id"
    with run_worker(fresh_database, url, simulator, tmp_path / "worker.log") as worker:
        slow = await add_person(fresh_database)
        assert slow.phone
        simulator.script(slow.phone, {"delay_s": 3.0})  # taken, and not answered before the kill
        connection = await fresh_database.connect("sepakat_api", entering=slow.participant_id)
        await connection.execute(ADD_DEVICE, slow.participant_id, uuid4(), "android")
        await connection.close()

        async def taken() -> bool:
            return bool(texts_to(simulator, slow))

        await eventually(taken, 20, "the sweep finds it, and the gateway takes it")
        worker.kill()
        person = await add_key(fresh_database, email=email)
        worker.start()
        watched = await fresh_database.connect()

        async def sent() -> bool:
            return bool(await watched.fetchval("SELECT count(*) = 3 FROM climbs WHERE state = 'sent'"))

        await eventually(sent, AFTER_A_KILL_S, "the killed worker's row, and those that came meanwhile")
        await watched.close()
        assert len(texts_to(simulator, slow)) == len(texts_to(simulator, person)) == 1
        mails = [line for line in simulator.messages() if line["channel"] == "mail" and line["to"] == email]
        assert len(mails) == 1
        _say_nothing_secret(worker, simulator, person, email)
        assert worker.stop() == 0


def _say_nothing_secret(worker: RunningWorker, simulator: RunningSimulator, person: Person, email: str) -> None:
    [text] = texts_to(simulator, person)
    token = text.rpartition("/")[2]
    assert len(token) == 28
    for secret in (token, "/stop/", email, str(person.phone), person.name):
        assert not worker.said(secret)


async def test_a_worker_with_a_malformed_mail_server_does_not_start(
    fresh_database: Database, servers: tuple[Postgres, Valkey], simulator: RunningSimulator, tmp_path: Path
) -> None:
    with run_worker(fresh_database, servers[1].url, simulator, tmp_path / "worker.log") as worker:
        worker.kill()
        worker.environment |= {"SEPAKAT_SMTP_URL": "smtp://user:geheim@", "SEPAKAT_ENV": "production"}
        worker.start()
        assert await asyncio.to_thread(worker.process.wait, 20) == 1
        assert worker.said("SEPAKAT_SMTP_URL is smtp://USER:PASSWORD@HOST:PORT")
        assert not worker.said("geheim")


async def test_the_unreached_are_listed_on_the_command_line(fresh_database: Database) -> None:
    person = await add_key(fresh_database, email=None)
    connection = await fresh_database.connect()
    await connection.execute("UPDATE climbs SET state = 'unreached', ended_at = now() WHERE channel = 'people'")
    await connection.close()
    environment = {"SEPAKAT_DATABASE_URL": fresh_database.url("sepakat_operator"), "PATH": "/usr/bin"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app.cli", "unreached", stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err
    assert str(person.participant_id) in out.decode()
    assert '"kinds":["key_added"]' in out.decode()
    assert person.nik not in out.decode()
    assert "1 people do not know of 1 things" in err.decode()
