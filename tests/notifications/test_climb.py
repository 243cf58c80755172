"""The ladder over real SMTP and an SMS gateway: it climbs by the one clock, and an acknowledgement ends it."""

from __future__ import annotations

import asyncio
import re
from uuid import UUID

from app.notifications.climb import Climber
from app.notifications.unreached import count_unreached, list_unreached
from tests.conftest import Apps
from tests.feed.conftest import event
from tests.local.running_simulator import RunningSimulator
from tests.notifications.conftest import MakeClimber
from tests.notifications.told import HOUR, LINK, MINUTE, NEW, OLD, ORIGIN, Told, happen_together, someone
from tests.people import Phone, add_person


async def test_a_merge_that_nobody_answers_climbs_and_the_link_of_the_mail_stops_it(
    fresh_apps: Apps, simulator: RunningSimulator, climber: Climber
) -> None:
    dwi = await someone(fresh_apps, simulator)
    merge_id = await dwi.propose()
    await dwi.wait(14 * MINUTE)
    assert await climber.climb() == 0
    assert dwi.count() == (0, 0), "the phone has its time"

    await dwi.wait(2 * MINUTE)
    assert await climber.climb() == 1
    [mail] = dwi.mails()
    assert mail["subject"] == "Sepakat: Ada kabar tentang kartu Anda"
    old, new = dwi.person.kpjs
    assert f"Lembaga pengelola mengusulkan agar kartu xxx{new[-4:]} digabung ke kartu xxx{old[-4:]}." in mail["text"]
    for secret in (old, new, dwi.person.nik, "Rp", "24.175.845", dwi.person.name):
        assert secret not in mail["text"]
    assert await climber.climb() == 0

    await dwi.wait(4 * HOUR)
    assert await climber.climb() == 1
    [text] = dwi.texts()
    assert f"kartu xxx{new[-4:]} digabung ke xxx{old[-4:]}" in text
    [by_mail], [by_sms] = LINK.findall(mail["text"]), LINK.findall(text)
    assert by_mail != by_sms
    assert not re.search(r"\d{8}", mail["text"] + text)

    page = by_mail.removeprefix(ORIGIN)
    for _ in range(3):
        assert (await fresh_apps.api.get(page)).status_code == 200
    assert (await dwi.phone.get(f"/v1/merges/{merge_id}")).json()["state"] == "proposed", "a mail scanner looked"
    assert (await fresh_apps.api.post(page)).status_code == 200
    merge = (await dwi.phone.get(f"/v1/merges/{merge_id}")).json()
    assert (merge["state"], merge["closed_because"]) == ("cancelled", "stopped")
    cards = (await dwi.phone.get("/v1/cards")).json()["cards"]
    assert {card["status"] for card in cards} == {"frozen"}

    assert await climber.climb() == 1, "of STOP she is told by mail at once"
    told = dwi.mails()[-1]
    assert told["subject"] == "Sepakat: Pemberitahuan keamanan"
    assert told["text"].index("Semuanya dihentikan") < told["text"].index("Kartu dibekukan")
    assert told["text"].count("Kartu dibekukan\n") == 2


async def test_an_acknowledgement_stops_the_rest_and_only_of_its_own_entry(
    fresh_apps: Apps, simulator: RunningSimulator, climber: Climber
) -> None:
    dwi = await someone(fresh_apps, simulator, quiet=False)
    await dwi.propose()
    await climber.climb()
    assert dwi.count() == (1, 1), "of the enrolment"
    await dwi.wait(16 * MINUTE)
    await climber.climb()
    assert dwi.count() == (2, 1)
    await dwi.acknowledge("merge_proposed")
    assert await dwi.climbs() == {"mail": "sent", "sms": "acknowledged", "people": "acknowledged"}
    await dwi.wait(80 * HOUR)
    await climber.climb()
    assert dwi.count() == (2, 1)
    assert [person.kinds async for person in list_unreached(fresh_apps.database.url("sepakat_operator"))] == [
        ["key_added"]
    ]
    await dwi.acknowledge("key_added")
    assert [person async for person in list_unreached(fresh_apps.database.url("sepakat_operator"))] == []


async def test_reading_and_receiving_are_not_acknowledging(
    fresh_apps: Apps, simulator: RunningSimulator, climber: Climber
) -> None:
    dwi = await someone(fresh_apps, simulator)
    await dwi.propose()
    seq = (await dwi.phone.get("/v1/inbox")).json()["head"]["seq"]
    assert (await dwi.phone.post("/v1/inbox/read", {"up_to": seq})).status_code == 200
    assert (await dwi.phone.post("/v1/inbox/receipts", {"seqs": [seq]})).status_code == 204
    await dwi.wait(5 * HOUR)
    assert await climber.climb() == 2
    assert dwi.count() == (1, 1)


async def test_of_a_new_phone_the_person_is_told_on_every_channel_at_once(
    fresh_apps: Apps, simulator: RunningSimulator, climber: Climber
) -> None:
    dwi = await someone(fresh_apps, simulator, locale="en")
    thief = await Phone(fresh_apps.api, "HP Baru").enrol(dwi.person)
    assert await climber.climb() == 2
    [mail], [text] = dwi.mails(), dwi.texts()
    assert mail["subject"] == "Sepakat: Security notice"
    assert "“HP Baru” (Android) can now sign in to your account." in mail["text"]
    assert 'Sepakat: The new phone "HP Baru" can sign in to your account. Open the app. Not you? STOP: ' in text
    assert LINK.search(mail["text"])
    assert await climber.climb() == 0
    # The phone that was just added may be the thief's: on hold, it silences nothing.
    dwi.phone = thief
    await fresh_apps.api.post(LINK.findall(text)[0].removeprefix(ORIGIN))
    assert {card["status"] for card in (await dwi.phone.get("/v1/cards")).json()["cards"]} == {"frozen"}


async def test_somebody_without_a_phone_to_push_to_is_written_to_at_once(
    fresh_apps: Apps, simulator: RunningSimulator, climber: Climber
) -> None:
    dwi, sari = [await someone(fresh_apps, simulator, pushed=pushed) for pushed in (False, True)]
    await dwi.propose()
    await sari.propose()
    assert await climber.climb() == 1
    assert (dwi.count(), sari.count()) == ((1, 0), (0, 0))
    assert (await sari.phone.delete("/v1/push-target")).status_code == 204
    assert await climber.climb() == 1
    assert (dwi.count(), sari.count()) == ((1, 0), (1, 0)), "her last phone went meanwhile"


async def test_a_step_without_an_address_takes_no_time(
    fresh_apps: Apps, simulator: RunningSimulator, new_climber: MakeClimber
) -> None:
    dwi = await someone(fresh_apps, simulator, mail=False, pushed=False)
    sari = await someone(fresh_apps, simulator, mail=False)
    await dwi.propose()
    await sari.propose()
    climber = new_climber()
    assert await climber.climb() == 1
    assert (dwi.count(), sari.count()) == ((0, 1), (0, 0))
    assert await dwi.climbs() == {"mail": "no_address", "sms": "sent", "people": "waiting"}
    await dwi.wait(16 * MINUTE)
    assert await climber.climb() == 1
    assert await sari.climbs() == {"mail": "no_address", "sms": "sent", "people": "waiting"}


async def test_where_nothing_is_set_up_people_are_asked_at_once_but_not_of_somebody_with_a_phone(
    fresh_apps: Apps, simulator: RunningSimulator, new_climber: MakeClimber
) -> None:
    dwi = await someone(fresh_apps, simulator, pushed=False)
    sari = await someone(fresh_apps, simulator)
    await dwi.propose()
    await sari.propose()
    off = new_climber(mail=False, sms=False)
    await dwi.wait(16 * MINUTE)
    assert await off.climb() == 0
    assert await dwi.climbs() == {"mail": "no_address", "sms": "no_address", "people": "unreached"}
    assert await sari.climbs() == {"mail": "no_address", "sms": "no_address", "people": "waiting"}
    assert (dwi.count(), sari.count()) == ((0, 0), (0, 0))
    operator = fresh_apps.database.url("sepakat_operator")
    [listed] = [person async for person in list_unreached(operator)]
    assert (listed.participant_id, listed.kinds) == (dwi.person.participant_id, ["merge_proposed"])
    assert listed.tried == ["mail:no_address", "sms:no_address"]
    await dwi.wait(72 * HOUR)
    await off.climb()
    total = await count_unreached(operator)
    assert (total.people, total.causes) == (2, 2)
    await dwi.acknowledge("merge_proposed")
    assert (await count_unreached(operator)).people == 1


async def test_the_dead_are_not_written_to(fresh_apps: Apps, simulator: RunningSimulator, climber: Climber) -> None:
    dwi = await someone(fresh_apps, simulator)
    await dwi.propose()
    await dwi.core.apply(event("participant.deceased", {"nik": dwi.person.nik, "on": "2026-11-20"}))
    await dwi.wait(73 * HOUR)
    await climber.climb()
    assert dwi.count() == (0, 0)
    assert (await dwi.climbs())["people"] == "unreached"


async def test_what_was_loaded_at_the_beginning_sends_nothing(
    fresh_apps: Apps, simulator: RunningSimulator, climber: Climber
) -> None:
    person = await add_person(fresh_apps.database, OLD, NEW, email="dimuat@example.id", origin="import")
    told = Told(fresh_apps, simulator, person, Phone(fresh_apps.api))
    await told.wait(80 * HOUR)
    assert await climber.climb() == 0
    assert await told.ask("SELECT FROM climbs") == []


async def test_a_contribution_does_not_climb(fresh_apps: Apps, simulator: RunningSimulator, climber: Climber) -> None:
    dwi = await someone(fresh_apps, simulator)
    await dwi.core.apply(
        event(
            "contribution.posted",
            {
                "kpj": dwi.person.kpjs[1],
                "employer_id": "E-TEST-1",
                "month": "2026-10",
                "amount": 1,
                "paid_on": "2026-11-10",
            },
        )
    )
    await dwi.wait(80 * HOUR)
    assert await climber.climb() == 0


async def test_entries_of_one_cause_share_a_message_and_climb_until_each_is_acknowledged(
    fresh_apps: Apps, simulator: RunningSimulator, climber: Climber
) -> None:
    dwi = await someone(fresh_apps, simulator)
    first, second = await happen_together(dwi, "card_transferred_here", "unexplained_change")
    assert await climber.climb() == 1, "at once, because the graver of the two is"
    [mail] = dwi.mails()
    for kpj, said in zip(dwi.person.kpjs, ("sekarang ada pada Anda", "diubah langsung"), strict=True):
        assert re.search(rf"Kartu xxx{kpj[-4:]}[^\n]*{said}", mail["text"])
    assert (await dwi.phone.post(f"/v1/inbox/{first}/acknowledge")).status_code == 200
    assert await dwi.climbs() == {"mail": "sent", "sms": "waiting", "people": "waiting"}
    await dwi.wait(16 * MINUTE)
    assert await climber.climb() == 1
    assert "(+1 hal lain)" in dwi.texts()[0]
    assert (await dwi.phone.post(f"/v1/inbox/{second}/acknowledge")).status_code == 200
    assert await dwi.climbs() == {"mail": "sent", "sms": "sent", "people": "acknowledged"}


async def test_two_entries_of_a_cause_that_are_acknowledged_at_once_end_it(
    fresh_apps: Apps, simulator: RunningSimulator
) -> None:
    dwi = await someone(fresh_apps, simulator)
    seqs = await happen_together(dwi, "unexplained_change", "unexplained_change")
    entering = dwi.person.participant_id
    first, second = [await fresh_apps.database.connect("sepakat_api", entering=entering) for _ in seqs]
    acknowledge = "INSERT INTO acknowledgements VALUES ($1, $2, $3, now())"
    values = dwi.person.participant_id, UUID(dwi.phone.device_id)
    async with first.transaction():
        await first.execute(acknowledge, values[0], seqs[0], values[1])
        other = asyncio.create_task(second.execute(acknowledge, values[0], seqs[1], values[1]))
        await asyncio.sleep(0.2)
    await other
    await first.close()
    await second.close()
    assert await dwi.ask("SELECT FROM climbs WHERE state = 'waiting'") == []
