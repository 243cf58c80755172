"""What participants decide reaches the core: signed, in order, again after a failure, and once more when asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import msgspec
import pytest
import pytest_asyncio
from standardwebhooks.webhooks import Webhook

from app.feed.tell import CoreTeller, count_untold, replay
from app.local.servers import Postgres, Valkey
from app.platform import database as pools
from app.settings import SettingsError, read
from tests.conftest import Apps, Database, settings_for
from tests.feed.conftest import Core, contribution, event
from tests.identity.contact_codes import change
from tests.merges.merged import NEW, OLD, merge_cards
from tests.people import Person, Phone, add_person

SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


class Receiver:
    """The core's side: takes what is signed, and answers as it is told to: 200 unless `answers` has something else."""

    def __init__(self) -> None:
        self.answers: list[str] = []
        self.seen: list[tuple[str, dict[str, Any]]] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode("latin-1").split("\r\n")[1:-2]
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
                raw = await reader.readexactly(int(headers["content-length"]))
                event = Webhook(SECRET).verify(raw, headers)
                self.seen.append((headers["webhook-id"], event))
                answer = self.answers.pop(0) if self.answers else "200 OK"
                writer.write(f"HTTP/1.1 {answer}\r\ncontent-length: 0\r\n\r\n".encode())
                await writer.drain()
        except asyncio.IncompleteReadError:
            writer.close()

    def types(self) -> list[str]:
        return [event["type"] for _, event in self.seen]


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    yield receiver
    server.close()


@pytest_asyncio.fixture
async def teller(
    fresh_database: Database, servers: tuple[Postgres, Valkey], receiver: Receiver
) -> AsyncIterator[CoreTeller]:
    settings = msgspec.structs.replace(
        settings_for(fresh_database, servers[1], "sepakat_worker"),
        core_webhook_url=f"http://127.0.0.1:{receiver.port}/hooks",
        core_webhook_secret=SECRET,
    )
    pool = await pools.connect(settings.database_url, size=2, application="test worker")
    teller = CoreTeller(pool, settings)
    yield teller
    await teller.close()
    await pool.close()


async def merged(apps: Apps, cool_off: Callable[[], Any]) -> tuple[Person, dict[str, Any]]:
    person = await add_person(apps.database, OLD, NEW)
    phone = await Phone(apps.api).enrol(person)
    return person, await merge_cards(phone, [person.kpjs[0]], person.kpjs[1], cool_off)


@pytest.fixture
def cool_off(fresh_apps: Apps, servers: tuple[Postgres, Valkey]) -> Callable[[], Any]:
    async def run() -> None:
        from app.merges.execute import settle

        await fresh_apps.api.post("/local/clock", json={"advance_s": 21})
        settings = settings_for(fresh_apps.database, servers[1], "sepakat_worker")
        pool = await pools.connect(settings.database_url, size=1, application="test worker")
        await settle(pool, settings)
        await pool.close()

    return run


async def test_a_merge_is_told_step_by_step_and_each_once(
    fresh_apps: Apps, teller: CoreTeller, receiver: Receiver, cool_off: Callable[[], Any]
) -> None:
    person, merge = await merged(fresh_apps, cool_off)
    assert await teller.tell() == 2
    assert await teller.tell() == 0
    assert receiver.types() == ["merge.confirmed", "merge.executed"]
    (first, told), (second, _) = receiver.seen
    assert first != second
    data = told["data"]
    assert (data["nik"], data["merge_id"]) == (person.nik, merge["id"])
    assert (data["absorb"], data["into"]) == ([person.kpjs[0]], person.kpjs[1])
    assert data["plan_digest"] == merge["plan_digest"]
    assert "balance" not in json.dumps(told)


async def test_what_fails_waits_and_what_comes_later_waits_behind_it(
    fresh_apps: Apps, teller: CoreTeller, receiver: Receiver, cool_off: Callable[[], Any]
) -> None:
    await merged(fresh_apps, cool_off)
    receiver.answers = ["500 Sorry"]
    assert await teller.tell() == 0
    assert await teller.tell() == 0, "the retry is not due, and the later event waits behind it"
    assert receiver.types() == ["merge.confirmed"]
    await let_waits_end(fresh_apps.database)
    assert await teller.tell() == 2
    assert receiver.types() == ["merge.confirmed", "merge.confirmed", "merge.executed"]
    ids = [webhook_id for webhook_id, _ in receiver.seen]
    assert ids[0] == ids[1] != ids[2], "a retry has the same id"


async def test_a_refused_event_is_kept_and_goes_out_again_when_asked(
    fresh_apps: Apps, teller: CoreTeller, receiver: Receiver, cool_off: Callable[[], Any]
) -> None:
    await merged(fresh_apps, cool_off)
    receiver.answers = ["422 Unknown"]
    assert await teller.tell() == 1
    url = fresh_apps.database.url()
    (untold,) = await count_untold(url)
    assert (untold.state, untold.type, untold.code, untold.events) == ("refused", "merge.confirmed", "HTTP_422", 1)
    assert await replay(url) == 1
    assert await teller.tell() == 1
    assert await count_untold(url) == []
    assert await replay(url) == 0
    assert await replay(url, datetime.now(UTC) - timedelta(days=1)) == 2
    assert await teller.tell() == 2
    assert receiver.types()[-2:] == ["merge.confirmed", "merge.executed"]


async def test_a_receiver_that_is_away_loses_nothing(
    fresh_apps: Apps, teller: CoreTeller, receiver: Receiver, cool_off: Callable[[], Any]
) -> None:
    await merged(fresh_apps, cool_off)
    receiver.answers = ["503 Busy"]
    assert await teller.tell() == 0
    (waiting,) = {(one.state, one.code) for one in await count_untold(fresh_apps.database.url()) if one.code}
    assert waiting == ("waiting", "receiver_busy_503")
    await let_waits_end(fresh_apps.database)
    assert await teller.tell() == 2


async def test_what_nobody_foresaw_about_one_event_holds_up_no_other_persons(
    fresh_apps: Apps, teller: CoreTeller, receiver: Receiver, cool_off: Callable[[], Any]
) -> None:
    broken, _ = await merged(fresh_apps, cool_off)
    whole, _ = await merged(fresh_apps, cool_off)
    connection = await fresh_apps.database.connect()
    await connection.execute("SET session_replication_role = replica")
    await connection.execute(
        "UPDATE participants SET nik_sealed = decode('00', 'hex') WHERE participant_id = $1", broken.participant_id
    )
    await connection.close()
    assert await teller.tell() == 2
    assert [event["data"]["nik"] for _, event in receiver.seen] == [whole.nik] * 2


async def test_a_contact_that_its_owner_changed_is_told_and_the_core_s_own_change_is_not(
    fresh_apps: Apps, teller: CoreTeller, receiver: Receiver
) -> None:
    person = await add_person(fresh_apps.database, OLD)
    phone = await Phone(fresh_apps.api).enrol(person)
    await change(phone, fresh_apps.database, person, email="baru@example.id")
    core = Core(fresh_apps.feed, fresh_apps.database)
    await core.apply(event("participant.updated", {"nik": person.nik, "email": "lain@example.id"}))
    await core.apply(contribution(person.kpjs[0]))
    assert await teller.tell() == 1
    (_, told) = receiver.seen[0]
    assert (told["type"], told["data"]["channel"]) == ("contact.changed", "email")


async def test_nobody_writes_an_event_for_the_core_by_hand(database: Database) -> None:
    for role in ("sepakat_api", "sepakat_feed", "sepakat_worker", "sepakat_operator"):
        connection = await database.connect(role)
        await connection.execute("SET default_transaction_read_only = off")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(
                "INSERT INTO core_events (participant_id, seq, type) SELECT participant_id, seq, 'x' FROM history"
            )
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("DELETE FROM core_events")
        await connection.close()


def test_a_secret_that_is_none_stops_the_start() -> None:
    environment = {
        "SEPAKAT_DATABASE_URL": "postgresql://x",
        "SEPAKAT_REDIS_URL": "redis://x",
        "SEPAKAT_SECRET": "x" * 32,
        "SEPAKAT_CORE_WEBHOOK_URL": "https://core.example/hooks",
    }
    with pytest.raises(SettingsError, match="SEPAKAT_CORE_WEBHOOK_SECRET"):
        read(environment | {"SEPAKAT_CORE_WEBHOOK_SECRET": "secret"})
    assert read(environment | {"SEPAKAT_CORE_WEBHOOK_SECRET": SECRET}).core_webhook_secret == SECRET


async def let_waits_end(database: Database) -> None:
    connection = await database.connect()
    await connection.execute("UPDATE core_events SET not_before = NULL WHERE state = 'waiting'")
    await connection.close()
