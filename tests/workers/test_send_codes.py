"""Codes go out by SMS, through a gateway that speaks the real protocol in a process of its own."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest_asyncio

from app.identity.sweep import sweep_identity
from app.platform.database import Pool
from app.platform.sms import SmsGateway
from app.settings import Settings
from tests.conftest import Apps
from tests.local.running_simulator import RunningSimulator
from tests.notifications.told import LINK, ORIGIN
from tests.people import NewCard, Person, Phone, add_person, new_kpj
from workers.send_codes import CODES_PER_DAY, send_codes

WAITING_FOR_LOCKS = """SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND usename = 'sepakat_worker' AND wait_event_type = 'Lock'"""


@pytest_asyncio.fixture
async def gateway(simulator: RunningSimulator) -> AsyncIterator[SmsGateway]:
    sender = SmsGateway(f"{simulator.base_url}/sms", timeout_s=2.0)
    yield sender
    await sender.close()


def texts_to(simulator: RunningSimulator, person: Person) -> list[str]:
    lines: list[dict[str, Any]] = simulator.messages()
    return [line["text"] for line in lines if line["channel"] == "sms" and line["to"] == person.phone]


async def make_due(apps: Apps) -> None:
    connection = await apps.database.connect()
    await connection.execute("UPDATE enrolments SET code_not_before = now() WHERE code_not_before < 'infinity'")
    await connection.close()


async def test_the_code_in_the_message_adds_the_phone_that_it_names(
    fresh_apps: Apps, pool: Pool, gateway: SmsGateway, settings: Settings, simulator: RunningSimulator
) -> None:
    person = await add_person(fresh_apps.database, NewCard())
    phone = Phone(fresh_apps.api, "Ponsel Baru Dwi")
    asked = await phone.ask_enrolment(person)
    assert await send_codes(pool, gateway, settings) == 1
    assert await send_codes(pool, gateway, settings) == 0
    [text] = texts_to(simulator, person)
    assert "Ponsel Baru Dwi" in text
    [code] = re.findall(r"\d{8}", text)
    assert (await phone.verify(asked.json()["enrolment_id"], code)).status_code == 201


async def test_the_message_carries_a_link_that_stops_everything(
    fresh_apps: Apps, pool: Pool, gateway: SmsGateway, settings: Settings, simulator: RunningSimulator
) -> None:
    """Whoever did not ask for the code presses STOP; a message that is sent again carries the same link."""
    person = await add_person(fresh_apps.database, NewCard())
    assert person.phone
    simulator.script(person.phone, {"status": 503, "retry_after": 33})
    await Phone(fresh_apps.api).ask_enrolment(person)
    assert await send_codes(pool, gateway, settings) == 0
    await make_due(fresh_apps)
    assert await send_codes(pool, gateway, settings) == 1
    [text] = texts_to(simulator, person)
    [link] = LINK.findall(text)
    assert len(re.findall(r"\d{8}", text)) == 1
    assert await pool.fetchval("SELECT count(*) FROM stop_tokens") == 1

    assert (await fresh_apps.api.get(link.removeprefix(ORIGIN))).status_code == 200
    assert (await fresh_apps.api.post(link.removeprefix(ORIGIN))).status_code == 200
    connection = await fresh_apps.database.connect()
    assert await connection.fetchval("SELECT status FROM cards") == "frozen"
    await connection.close()


async def test_no_code_goes_out_for_somebody_who_is_not_that_person(
    fresh_apps: Apps, pool: Pool, gateway: SmsGateway, settings: Settings, simulator: RunningSimulator
) -> None:
    person = await add_person(fresh_apps.database)
    phoneless = await add_person(fresh_apps.database, phone=None)
    await Phone(fresh_apps.api).ask_enrolment(person, kpj=new_kpj())
    await Phone(fresh_apps.api).ask_enrolment(phoneless)
    assert await send_codes(pool, gateway, settings) == 0
    assert texts_to(simulator, person) == []


async def test_two_workers_send_each_code_once(
    fresh_apps: Apps, pool: Pool, gateway: SmsGateway, settings: Settings, simulator: RunningSimulator
) -> None:
    people = [await add_person(fresh_apps.database) for _ in range(12)]
    for person in people:
        await Phone(fresh_apps.api).ask_enrolment(person)
    connection = await fresh_apps.database.connect()
    async with connection.transaction():  # all want the same rows before any may have them
        await connection.execute("SELECT FROM enrolments FOR UPDATE")
        workers = [asyncio.create_task(send_codes(pool, gateway, settings)) for _ in range(4)]
        async with asyncio.timeout(10):
            while await pool.fetchval(WAITING_FOR_LOCKS) < len(workers):  # noqa: ASYNC110 (PostgreSQL has no event for it)
                await asyncio.sleep(0.01)
    await connection.close()
    assert sum(await asyncio.gather(*workers)) == 12
    assert [len(texts_to(simulator, person)) for person in people] == [1] * 12


async def test_a_gateway_in_trouble_is_asked_again_when_it_said_and_the_text_arrives_once(
    fresh_apps: Apps, pool: Pool, gateway: SmsGateway, settings: Settings, simulator: RunningSimulator
) -> None:
    person = await add_person(fresh_apps.database)
    assert person.phone
    simulator.script(person.phone, {"status": 503, "retry_after": 33}, {"drop": True})
    await Phone(fresh_apps.api).ask_enrolment(person)
    assert await send_codes(pool, gateway, settings) == 0
    waits = await pool.fetchval("SELECT code_not_before - now() FROM enrolments")
    assert timedelta(seconds=30) < waits <= timedelta(seconds=33)
    assert await send_codes(pool, gateway, settings) == 0, "it waits"
    await make_due(fresh_apps)
    assert await send_codes(pool, gateway, settings) == 0, "the answer was lost"
    await make_due(fresh_apps)
    assert await send_codes(pool, gateway, settings) == 1
    assert len(texts_to(simulator, person)) == 1


async def test_a_rejected_text_is_given_up_and_so_is_one_whose_code_has_expired(
    fresh_apps: Apps, pool: Pool, gateway: SmsGateway, settings: Settings, simulator: RunningSimulator
) -> None:
    person, late = await add_person(fresh_apps.database), await add_person(fresh_apps.database)
    assert person.phone
    simulator.script(person.phone, {"status": 422})
    await Phone(fresh_apps.api).ask_enrolment(person)
    assert await send_codes(pool, gateway, settings) == 0
    await make_due(fresh_apps)
    assert await send_codes(pool, gateway, settings) == 0
    await Phone(fresh_apps.api).ask_enrolment(late)
    await fresh_apps.api.post("/local/clock", json={"advance_s": 301})
    assert await send_codes(pool, gateway, settings) == 0
    assert texts_to(simulator, person) == texts_to(simulator, late) == []


async def test_nobody_can_be_flooded_with_codes(
    fresh_apps: Apps, pool: Pool, gateway: SmsGateway, settings: Settings, simulator: RunningSimulator
) -> None:
    person = await add_person(fresh_apps.database)
    phone = Phone(fresh_apps.api)
    await asyncio.gather(*(phone.ask_enrolment(person) for _ in range(CODES_PER_DAY + 40)))
    for _ in range(3):
        await send_codes(pool, gateway, settings)
    assert len(texts_to(simulator, person)) == CODES_PER_DAY


async def test_the_code_cannot_be_read_in_the_database(
    fresh_apps: Apps, pool: Pool, gateway: SmsGateway, settings: Settings, simulator: RunningSimulator
) -> None:
    person = await add_person(fresh_apps.database)
    await Phone(fresh_apps.api).ask_enrolment(person)
    await send_codes(pool, gateway, settings)
    [code] = re.findall(r"\d{8}", texts_to(simulator, person)[0])
    row = await pool.fetchval("SELECT e::text FROM enrolments AS e")
    assert code not in row


async def test_what_has_served_is_swept_a_day_later_and_not_before(fresh_apps: Apps, pool: Pool) -> None:
    phone = await Phone(fresh_apps.api).enrol(await add_person(fresh_apps.database))
    await phone.sign_in()
    assert await sweep_identity(pool) == 0
    await fresh_apps.api.post("/local/clock", json={"advance_s": 86_400 + 301})
    assert await sweep_identity(pool) == 2, "the enrolment and the challenge"
    await fresh_apps.api.post("/local/clock", json={"advance_s": 86_400})
    assert await sweep_identity(pool) == 1, "the count of tries"
    await phone.sign_in()


async def test_a_stop_link_is_swept_a_day_after_it_expired(
    fresh_apps: Apps, pool: Pool, gateway: SmsGateway, settings: Settings
) -> None:
    await Phone(fresh_apps.api).ask_enrolment(await add_person(fresh_apps.database))
    await send_codes(pool, gateway, settings)
    await fresh_apps.api.post("/local/clock", json={"advance_s": 30 * 86_400 + 1})
    await sweep_identity(pool)
    assert await pool.fetchval("SELECT count(*) FROM stop_tokens") == 1
    await fresh_apps.api.post("/local/clock", json={"advance_s": 86_400})
    assert await sweep_identity(pool) == 1
    assert await pool.fetchval("SELECT count(*) FROM stop_tokens") == 0
