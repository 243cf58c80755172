"""Codes to new contacts and notices to old ones go out by SMS and mail, through providers in a process of their own."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from app.identity.sweep import sweep_identity
from app.platform.database import Pool
from app.platform.mail import MailServer
from app.platform.sms import SmsGateway
from app.settings import Settings
from tests.conftest import Apps
from tests.feed.conftest import Core, event
from tests.identity.contact_codes import ask_change, change, type_code
from tests.local.running_simulator import RunningSimulator
from tests.notifications.told import LINK, ORIGIN
from tests.people import NewCard, Person, Phone, add_person, new_kpj
from workers.write_to_contacts import ContactWriter


@pytest_asyncio.fixture
async def writer(pool: Pool, simulator: RunningSimulator, settings: Settings) -> AsyncIterator[ContactWriter]:
    mail = MailServer(f"smtp://127.0.0.1:{simulator.smtp_port}", "Sepakat <s@sepakat.example>")
    gateway = SmsGateway(f"{simulator.base_url}/sms", timeout_s=2.0)
    yield ContactWriter(pool, mail, gateway, settings)
    await mail.close()
    await gateway.close()


async def dwi(apps: Apps) -> tuple[Person, Phone]:
    person = await add_person(apps.database, NewCard(), email=f"lama-{new_kpj()}@example.id")
    return person, await Phone(apps.api).enrol(person)


def new_number() -> str:
    return f"+62812{new_kpj()[-8:]}"


def sent_to(simulator: RunningSimulator, contact: str | None) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = simulator.messages()
    return [line for line in lines if line["channel"] in ("sms", "mail") and line["to"] == contact]


async def test_the_code_goes_to_the_new_number_and_the_notice_to_the_old_one(
    fresh_apps: Apps, writer: ContactWriter, simulator: RunningSimulator
) -> None:
    person, phone = await dwi(fresh_apps)
    number = new_number()
    await ask_change(phone, person, phone=number)
    assert await writer.write() == 1
    assert await writer.write() == 0
    [text] = [line["text"] for line in sent_to(simulator, number)]
    assert not LINK.search(text), "whose number it is, is what the code is to show"
    [code] = re.findall(r"\d{8}", text)
    assert sent_to(simulator, person.phone) == []

    assert (await type_code(phone, code)).status_code == 200
    assert await writer.write() == 1
    [notice] = [line["text"] for line in sent_to(simulator, person.phone)]
    assert "diganti" in notice
    [link] = LINK.findall(notice)
    assert (await fresh_apps.api.post(link.removeprefix(ORIGIN))).status_code == 200
    assert {card["status"] for card in (await phone.get("/v1/cards")).json()["cards"]} == {"frozen"}


async def test_mail_goes_the_same_way_in_the_language_of_its_person(
    fresh_apps: Apps, writer: ContactWriter, simulator: RunningSimulator
) -> None:
    person, phone = await dwi(fresh_apps)
    old = (await phone.get("/v1/me/export")).json()["export"]["participant"]["email"]
    await phone.patch("/v1/me/preferences", {"locale": "en"})
    address = f"baru-{new_kpj()}@example.id"
    await ask_change(phone, person, email=address)
    assert await writer.write() == 1
    [mail] = sent_to(simulator, address)
    [code] = re.findall(r"\b\d{8}\b", mail["text"])
    assert code not in mail["subject"]
    assert "use this address" in mail["text"]
    assert (await type_code(phone, code)).status_code == 200
    await writer.write()
    [notice] = sent_to(simulator, old)
    assert len(LINK.findall(notice["text"])) == 1
    assert address not in notice["text"], "the old one learns no more than that it changed"
    assert "to b•••@(…)" in notice["text"], "and nothing in it can be tapped but STOP"


async def test_what_the_core_changes_is_told_to_the_old_contact_as_well(
    fresh_apps: Apps, writer: ContactWriter, simulator: RunningSimulator
) -> None:
    person, _ = await dwi(fresh_apps)
    core = Core(fresh_apps.feed, fresh_apps.database)
    await core.apply(event("participant.updated", {"nik": person.nik, "phone": new_number()}))
    assert await writer.write() == 1
    [notice] = sent_to(simulator, person.phone)
    assert LINK.search(notice["text"])


async def test_a_gateway_in_trouble_is_asked_again_and_the_text_arrives_once(
    fresh_apps: Apps, writer: ContactWriter, simulator: RunningSimulator, pool: Pool
) -> None:
    person, phone = await dwi(fresh_apps)
    number = new_number()
    simulator.script(number, {"status": 503, "retry_after": 33}, {"drop": True})
    await ask_change(phone, person, phone=number)
    superuser = await fresh_apps.database.connect()
    for _ in range(2):
        assert await writer.write() == 0
        assert await writer.write() == 0, "it waits"
        await superuser.execute("UPDATE contact_messages SET not_before = now() WHERE state = 'waiting'")
    await superuser.close()
    assert await writer.write() == 1
    assert len(sent_to(simulator, number)) == 1
    row = await pool.fetchrow("SELECT state, contact_sealed, attempts FROM contact_messages WHERE what = 'code'")
    assert row is not None
    assert tuple(row) == ("sent", None, 3), "when it has gone out, the contact is forgotten"


async def test_what_comes_too_late_or_is_replaced_or_refused_is_given_up(
    fresh_apps: Apps, writer: ContactWriter, simulator: RunningSimulator, pool: Pool
) -> None:
    person, phone = await dwi(fresh_apps)
    refused, replaced, late = new_number(), new_number(), new_number()
    simulator.script(refused, {"status": 422})
    await ask_change(phone, person, phone=refused)
    assert await writer.write() == 0
    await ask_change(phone, person, phone=replaced)
    await ask_change(phone, person, phone=late)
    await fresh_apps.api.post("/local/clock", json={"advance_s": 301})
    assert await writer.write() == 0
    assert [sent_to(simulator, number) for number in (refused, replaced, late)] == [[], [], []]
    states = await pool.fetch("SELECT state FROM contact_messages ORDER BY state")
    assert [row["state"] for row in states] == ["expired", "rejected", "replaced"]


async def test_a_channel_that_is_off_gives_up_at_once(
    fresh_apps: Apps, pool: Pool, settings: Settings, simulator: RunningSimulator
) -> None:
    person, phone = await dwi(fresh_apps)
    await ask_change(phone, person, phone=new_number())
    assert await ContactWriter(pool, None, None, settings).write() == 0
    assert await pool.fetchval("SELECT code FROM contact_messages") == "channel_off"


async def test_changes_that_came_to_nothing_are_swept_and_those_that_did_stay(
    fresh_apps: Apps, writer: ContactWriter, pool: Pool
) -> None:
    person, phone = await dwi(fresh_apps)
    await ask_change(phone, person, phone=new_number())
    await change(phone, fresh_apps.database, person, phone=new_number())
    await writer.write()
    await fresh_apps.api.post("/local/clock", json={"advance_s": 2 * 86_400})
    await sweep_identity(pool)
    assert await pool.fetchval("SELECT array_agg(state) FROM contact_changes") == ["applied"]
    assert await pool.fetchval("SELECT array_agg(what) FROM contact_messages") == ["notice"]
