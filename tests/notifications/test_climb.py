"""The ladder over real SMTP and an SMS gateway: it climbs by the one clock, and an acknowledgement ends it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from app.notifications.climb import Climber
from app.notifications.unreached import count_unreached, list_unreached
from app.platform.database import Pool, connect
from app.platform.mail import MailServer
from app.platform.sms import SmsGateway
from tests.conftest import SECRET, Apps
from tests.feed.conftest import Core, event
from tests.local.running_simulator import RunningSimulator, run_simulator
from tests.people import NewCard, Person, Phone, add_person

ORIGIN = "https://sepakat.example"
LINK = re.compile(rf"{ORIGIN}/stop/[a-z]{{28}}")
OLD = NewCard(status="inactive", balance=14_265_493, opened_on=date(2013, 3, 1))
NEW = NewCard(status="active", balance=9_910_352, opened_on=date(2019, 2, 1))
MINUTE, HOUR = 60, 3600
MakeClimber = Callable[..., Climber]


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    with run_simulator(tmp_path_factory.mktemp("simulator")) as running:
        yield running


@pytest_asyncio.fixture
async def pool(fresh_apps: Apps) -> AsyncIterator[Pool]:
    pool = await connect(fresh_apps.database.url("sepakat_worker"), size=10, application="tests")
    yield pool
    await pool.close()


@pytest_asyncio.fixture
async def new_climber(pool: Pool, simulator: RunningSimulator) -> AsyncIterator[MakeClimber]:
    """Makes climbers as separate workers would have: each with its own connections and its own memory of pauses."""
    mails: list[MailServer] = []
    gateways: list[SmsGateway] = []

    def make(*, mail: bool = True, sms: bool = True) -> Climber:
        mails.append(MailServer(f"smtp://127.0.0.1:{simulator.smtp_port}", "Sepakat <s@sepakat.example>", 2.0))
        gateways.append(SmsGateway(f"{simulator.base_url}/sms", timeout_s=2.0))
        return Climber(
            pool, mails[-1] if mail else None, gateways[-1] if sms else None, secret=SECRET, public_origin=ORIGIN
        )

    yield make
    for server in mails:
        await server.close()
    for gateway in gateways:
        await gateway.close()


@pytest.fixture
def climber(new_climber: MakeClimber) -> Climber:
    return new_climber()


class Told:
    """One person, what was sent to them, and what the table says of it."""

    def __init__(self, apps: Apps, simulator: RunningSimulator, person: Person, phone: Phone) -> None:
        self.apps, self.simulator, self.person, self.phone = apps, simulator, person, phone
        self.email = f"{person.phone[1:]}@example.id" if person.phone else ""
        self.core = Core(apps.feed, apps.database)

    def mails(self) -> list[dict[str, Any]]:
        lines = self.simulator.messages()
        return [line for line in lines if line["channel"] == "mail" and line["to"] == self.email]

    def texts(self) -> list[str]:
        lines = self.simulator.messages()
        return [line["text"] for line in lines if line["channel"] == "sms" and line["to"] == self.person.phone]

    def count(self) -> tuple[int, int]:
        return len(self.mails()), len(self.texts())

    async def wait(self, seconds: float) -> None:
        assert (await self.apps.api.post("/local/clock", json={"advance_s": int(seconds)})).status_code == 200
        if self.phone.device_id:
            await self.phone.sign_in()

    async def climbs(self) -> dict[str, str]:
        """The state of each channel, of the newest cause that climbs."""
        rows = await self.ask(
            """SELECT channel, state FROM climbs WHERE participant_id = $1
            AND cause_id = (SELECT cause_id FROM climbs WHERE participant_id = $1 ORDER BY seqs[1] DESC LIMIT 1) ORDER BY step""",
            self.person.participant_id,
        )
        return {row["channel"]: row["state"] for row in rows}

    async def ask(self, sql: str, *values: Any) -> list[asyncpg.Record]:
        connection = await self.apps.database.connect()
        try:
            return await connection.fetch(sql, *values)
        finally:
            await connection.close()

    async def propose(self) -> str:
        """The agency proposes a merge; its id."""
        old, new = self.person.kpjs
        await self.core.apply(event("merge.proposed", {"absorb": [new], "into": old, "reason": "Kartu ganda"}))
        merge_id: str = (await self.phone.get("/v1/merges")).json()["merges"][0]["id"]
        return merge_id

    async def acknowledge(self, kind: str) -> None:
        """Every entry of this kind, with this person's phone."""
        entries = (await self.phone.get("/v1/inbox?limit=100")).json()["entries"]
        for entry in entries:
            if entry["kind"] == kind:
                assert (await self.phone.post(f"/v1/inbox/{entry['seq']}/acknowledge")).status_code == 200


async def someone(
    apps: Apps,
    simulator: RunningSimulator,
    *,
    mail: bool = True,
    pushed: bool = True,
    quiet: bool = True,
    locale: str = "id",
) -> Told:
    """A person with two cards and a phone. `quiet`: the entries of the enrolment are acknowledged."""
    counted = await add_person(apps.database, NewCard())  # takes a number of its own, for the address
    assert counted.phone is not None
    person = await add_person(
        apps.database,
        OLD,
        NEW,
        phone=counted.phone,
        email=f"{counted.phone[1:]}@example.id" if mail else None,
        locale=locale,
    )
    phone = await Phone(apps.api).enrol(person)
    if pushed:
        target = {"kind": "fid", "value": f"fid-{phone.device_id}", "platform": "android", "locale": "id"}
        assert (await phone.put("/v1/push-target", target)).status_code == 204
    told = Told(apps, simulator, person, phone)
    if quiet:
        await told.acknowledge("key_added")
    return told


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
    assert (listed.participant_id, listed.name, listed.kinds) == (
        dwi.person.participant_id,
        "Dwi Lestari",
        ["merge_proposed"],
    )
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


async def happen_together(dwi: Told, *kinds: str) -> list[int]:
    """One cause with an entry of each kind about another card; their seqs."""
    connection = await dwi.apps.database.connect()
    async with connection.transaction():
        cause_id = await connection.fetchval("SELECT record_cause($1, 'core', 'tests')", dwi.person.participant_id)
        for kind, card in zip(kinds, dwi.person.cards.values(), strict=True):
            await connection.execute(
                """SELECT append_history(ARRAY[
                    ROW($1::uuid, $2::text, $3::uuid, NULL, $4::uuid, jsonb_build_object('kpj', $5::text))::history_entry])""",
                dwi.person.participant_id,
                kind,
                card.card_id,
                cause_id,
                card.kpj,
            )
    rows = await connection.fetch("SELECT seq FROM history WHERE cause_id = $1 ORDER BY seq", cause_id)
    await connection.close()
    return [row["seq"] for row in rows]


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
    first, second = [await fresh_apps.database.connect("sepakat_api") for _ in seqs]
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


async def test_a_server_in_trouble_holds_up_neither_the_other_channel_nor_its_own_mail_for_ever(
    fresh_apps: Apps, simulator: RunningSimulator, climber: Climber, pool: Pool
) -> None:
    dwi = await someone(fresh_apps, simulator)
    simulator.script(dwi.email, {"status": 451}, {"status": 451})
    await dwi.propose()
    await dwi.wait(5 * HOUR)
    assert await climber.climb() == 1
    assert dwi.count() == (0, 1)
    waits = await pool.fetchval(
        "SELECT not_before - clock_timestamp() FROM climbs WHERE channel = 'mail' AND state = 'waiting'"
    )
    assert timedelta(seconds=55) < waits <= timedelta(seconds=75), "no sooner than the greylist says"
    assert await climber.climb() == 0
    for taken in (0, 1):
        await dwi.ask("UPDATE climbs SET not_before = NULL WHERE state = 'waiting'")
        assert await climber.climb() == taken
    assert dwi.count() == (1, 1)
    assert (
        await pool.fetchval("SELECT attempts FROM climbs WHERE channel = 'mail' AND state = 'sent' AND due_at > now()")
        == 3
    )


async def test_an_address_that_is_refused_makes_the_next_step_due(
    fresh_apps: Apps, simulator: RunningSimulator, climber: Climber
) -> None:
    dwi = await someone(fresh_apps, simulator)
    simulator.script(dwi.email, {"status": 550})
    assert dwi.person.phone
    simulator.script(dwi.person.phone, {"status": 422})
    await dwi.propose()
    await dwi.wait(16 * MINUTE)
    assert await climber.climb() == 0
    assert await dwi.climbs() == {"mail": "rejected", "sms": "rejected", "people": "waiting"}, "her phone was pushed to"
    codes = await dwi.ask("SELECT code FROM climbs WHERE state = 'rejected' ORDER BY step")
    assert [row["code"] for row in codes] == ["SMTP_550", "HTTP_422"]


async def test_a_lost_answer_of_the_gateway_makes_no_second_text(
    fresh_apps: Apps, simulator: RunningSimulator, climber: Climber
) -> None:
    dwi = await someone(fresh_apps, simulator, mail=False, pushed=False)
    assert dwi.person.phone
    simulator.script(dwi.person.phone, {"drop": True})
    await dwi.propose()
    assert await climber.climb() == 0
    await dwi.ask("UPDATE climbs SET not_before = NULL WHERE state = 'waiting'")
    assert await climber.climb() == 1
    assert dwi.count() == (0, 1)


async def test_four_workers_send_each_message_once(
    fresh_apps: Apps, simulator: RunningSimulator, new_climber: MakeClimber
) -> None:
    people = [await someone(fresh_apps, simulator, pushed=False) for _ in range(6)]
    for told in people:
        await told.propose()
    await people[0].wait(5 * HOUR)
    assert sum(await asyncio.gather(*(new_climber().climb() for _ in range(4)))) == 12
    assert [told.count() for told in people] == [(1, 1)] * 6


async def test_a_worker_that_wakes_after_its_lease_writes_nothing(
    fresh_apps: Apps, simulator: RunningSimulator, climber: Climber
) -> None:
    dwi = await someone(fresh_apps, simulator, mail=False, pushed=False)
    assert dwi.person.phone
    simulator.script(dwi.person.phone, {"delay_s": 0.5})
    await dwi.propose()
    asleep = asyncio.create_task(climber.climb())
    await asyncio.sleep(0.25)
    await dwi.ask(
        "UPDATE climbs SET attempts = attempts + 1, not_before = NULL WHERE state = 'waiting' AND channel = 'sms'"
    )
    await asleep
    assert (await dwi.climbs())["sms"] == "sent", "by the attempt that came after"
    rows = await dwi.ask("SELECT attempts FROM climbs WHERE channel = 'sms' AND state = 'sent'")
    assert [row["attempts"] for row in rows] == [3]
    assert dwi.count() == (0, 1)


FORBIDDEN = {
    "begin one": (
        "INSERT INTO climbs SELECT participant_id, cause_id, 'sms', 9, seqs, due_at FROM climbs LIMIT 1",
        None,
    ),
    "silence it": (
        "UPDATE climbs SET state = 'acknowledged', ended_at = now() WHERE state = 'waiting'",
        "climbs_end_once",
    ),
    "push it away": ("UPDATE climbs SET due_at = due_at + interval '1 day' WHERE state = 'waiting'", "climbs_end_once"),
    "take it back": (
        "UPDATE climbs SET state = 'waiting', ended_at = NULL WHERE state = 'acknowledged'",
        "climbs_end_once",
    ),
    "forget it": ("DELETE FROM climbs", "climbs_are_kept"),
    "forget all": ("TRUNCATE climbs", "climbs_are_kept"),
    "slow it down": ("UPDATE ladder_steps SET after = '1 year'", None),
}


@pytest.mark.parametrize("name", FORBIDDEN)
async def test_nobody_is_silenced_by_sql(fresh_apps: Apps, simulator: RunningSimulator, name: str) -> None:
    dwi = await someone(fresh_apps, simulator)
    await dwi.propose()
    sql, constraint = FORBIDDEN[name]
    for role in ("sepakat_api", "sepakat_worker", "sepakat_feed", "sepakat_operator"):
        connection = await fresh_apps.database.connect(role)
        with pytest.raises(asyncpg.PostgresError):
            await connection.execute(sql)
        await connection.close()
    if constraint is not None:
        connection = await fresh_apps.database.connect()
        with pytest.raises(asyncpg.PostgresError) as refused:
            await connection.execute(sql)
        assert refused.value.constraint_name == constraint
        await connection.close()


async def test_no_log_tells_an_address_a_text_or_a_link(
    fresh_apps: Apps, simulator: RunningSimulator, climber: Climber, capfd: pytest.CaptureFixture[str]
) -> None:
    dwi = await someone(fresh_apps, simulator)
    simulator.script(dwi.email, {"status": 451}, {"status": 550})
    assert dwi.person.phone
    simulator.script(dwi.person.phone, {"status": 503, "retry_after": 1}, {"status": 422})
    await dwi.propose()
    await dwi.wait(5 * HOUR)
    await climber.climb()
    await dwi.ask("UPDATE climbs SET not_before = NULL WHERE state = 'waiting'")
    await asyncio.sleep(1.1)
    await climber.climb()
    said = capfd.readouterr().err
    assert said.count("climb_waits") == said.count("climb_rejected") == 2
    for secret in (
        dwi.email,
        dwi.person.phone,
        "/stop/",
        "STOP",
        dwi.person.name,
        *dwi.person.kpjs,
        str(dwi.person.participant_id),
    ):
        assert secret not in said
