"""The live stream over real HTTP: entries as they happen, resumed where it broke off, ended with the session."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest
from msgspec import structs

from app.local.servers import Postgres, Valkey
from app.main import create_api
from app.platform.jobs import Doorbell, Jobs, wake_channel
from tests.conftest import SECRET, Database, serve, settings_for
from tests.crowds import gather, tell
from tests.notifications.changes import post_contribution, post_contributions
from tests.notifications.conftest import STALL_S
from tests.people import Person, Phone, add_person

SOON_S = 3.0
LONG_ENTRIES, LONG_REASON = 1500, 3000
LONGER_THAN_A_LOOK_S = 8.0
SESSIONS, OF_EACH = 10, 4  # as many streams as one session may have


class Listener:
    """Reads one stream's events: `{id?, event?, data?}`, comments as `{comment}`."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def next(self, within_s: float = SOON_S) -> dict[str, str]:
        """The next event; fields such as `retry` that stand alone are passed over."""
        async with asyncio.timeout(within_s):
            while True:
                event: dict[str, str] = {}
                async for line in self._lines:
                    if not line:
                        break
                    name, _, value = line.partition(":")
                    event[name or "comment"] = value.strip()
                else:
                    raise EOFError
                if event and event.keys() != {"retry"}:
                    return event

    async def entry(self, within_s: float = SOON_S) -> dict[str, Any]:
        while "comment" in (event := await self.next(within_s)):
            pass
        assert event["event"] == "entry", event
        entry: dict[str, Any] = json.loads(event["data"])
        assert event["id"] == str(entry["seq"])
        return entry


@asynccontextmanager
async def listening(phone: Phone, **headers: str) -> AsyncIterator[Listener]:
    async with listening_with(phone.api, phone.session["access_token"], **headers) as listener:
        yield listener


@asynccontextmanager
async def listening_with(api: httpx.AsyncClient, token: str, **headers: str) -> AsyncIterator[Listener]:
    mine = {"authorization": f"Bearer {token}", **headers}
    async with api.stream("GET", "/v1/stream", headers=mine, timeout=30) as response:
        assert response.status_code == 200, await response.aread()
        assert response.headers["content-type"].startswith("text/event-stream")
        yield Listener(response)


@pytest.fixture
async def dwi(database: Database) -> Person:
    return await add_person(database)


@pytest.fixture
async def phone(served: httpx.AsyncClient, dwi: Person) -> Phone:
    return await Phone(served).enrol(dwi)


@pytest.fixture
async def bell(servers: tuple[Postgres, Valkey]) -> AsyncIterator[Jobs]:
    jobs = Jobs(servers[1].url, SECRET)
    yield jobs
    await jobs.close()


async def ring(bell: Jobs, person: Person) -> None:
    doorbell = Doorbell()
    doorbell.ring(person.participant_id, 0)
    await bell.ring(doorbell)


async def test_an_entry_arrives_when_it_happens_and_no_older_one(
    database: Database, dwi: Person, phone: Phone, bell: Jobs
) -> None:
    async with listening(phone) as listener:
        for amount in (111_111, 222_222):
            cause_id = await post_contribution(database, dwi, amount=amount)
            await ring(bell, dwi)
            entry = await listener.entry()
            assert entry["cause_id"] == str(cause_id)
    inbox = (await phone.get("/v1/inbox")).json()
    assert entry == inbox["entries"][0]


async def test_it_resumes_after_the_last_event_in_order_across_many_reads(
    database: Database, dwi: Person, phone: Phone
) -> None:
    for _ in range(3):
        await post_contribution(database, dwi)
    seqs = [entry["seq"] for entry in (await phone.get("/v1/inbox?after=0")).json()["entries"]]
    async with listening(phone, **{"Last-Event-ID": str(seqs[0])}) as listener:
        assert [(await listener.entry())["seq"] for _ in seqs[1:]] == seqs[1:]
    async with listening(phone, **{"Last-Event-ID": "0", "Accept-Language": "en"}) as listener:
        assert "Recorded by" in (await listener.entry())["body"]


async def test_more_entries_than_one_read_takes_arrive_all(database: Database, dwi: Person, phone: Phone) -> None:
    await post_contributions(database, [dwi], times=130)
    async with listening(phone, **{"Last-Event-ID": "0"}) as listener:
        seqs = [(await listener.entry())["seq"] for _ in range(132)]
    assert seqs == sorted(set(seqs))


async def test_without_a_ring_the_stream_looks_by_itself_and_says_that_it_lives(
    database: Database, dwi: Person, phone: Phone
) -> None:
    async with listening(phone) as listener:
        await asyncio.sleep(0.3)  # past its first look
        await post_contribution(database, dwi)
        assert (await listener.entry(LONGER_THAN_A_LOOK_S))["kind"] == "contribution_posted"
        assert "comment" in await listener.next(LONGER_THAN_A_LOOK_S)


async def test_the_stream_ends_with_the_session(phone: Phone) -> None:
    async with listening(phone) as listener:
        assert (await phone.delete("/v1/sessions/current")).status_code == 204
        event = await listener.next()
        assert event["event"] == "reauthenticate"
        assert json.loads(event["data"]) == {"code": "not_signed_in"}
        with pytest.raises(EOFError):
            await listener.next()


@pytest.mark.parametrize("last_event_id", ["x", "-1", "1.5", "9" * 19, "9" * 30])
async def test_a_last_event_id_that_is_no_seq_is_refused(phone: Phone, last_event_id: str) -> None:
    answer = await phone.get("/v1/stream", headers={"Last-Event-ID": last_event_id})
    assert (answer.status_code, answer.json()["code"]) == (400, "request_invalid")


async def test_without_sign_in_there_is_no_stream(served: httpx.AsyncClient) -> None:
    answer = await served.get("/v1/stream")
    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")


async def test_what_is_read_on_one_phone_is_read_on_the_other_at_once(
    served: httpx.AsyncClient, database: Database, dwi: Person, phone: Phone
) -> None:
    other = Phone(served, "Tablet")
    other.device_id = (await other.ask_enrolment(dwi)).json()["enrolment_id"]
    assert (await phone.approve(other.device_id)).is_success
    await other.sign_in()
    for _ in range(2):
        await post_contribution(database, dwi)
    first = (await phone.get("/v1/inbox?limit=1")).json()["head"]["seq"] - 1
    async with listening(other) as listener, listening(phone) as own:
        for up_to in (first, first + 1):
            answer = await phone.post("/v1/inbox/read", {"up_to": up_to}, key="")
            inbox = (await other.get("/v1/inbox")).json()
            assert inbox["unread"] == answer.json()["unread"] == first + 1 - up_to
            assert [entry["read"] for entry in inbox["entries"]] == [
                entry["seq"] <= up_to for entry in inbox["entries"]
            ]
            for stream in (listener, own):
                event = await stream.next()
                assert event == {"event": "read", "data": json.dumps({"read_up_to": up_to}, separators=(",", ":"))}
        await phone.post("/v1/inbox/read", {"up_to": first}, key="")
        await post_contribution(database, dwi)
        assert (await phone.post("/v1/inbox/read", {"up_to": 1}, key="")).status_code == 200
        assert (await listener.entry())["read"] is False, "the mark went back nowhere, and nothing was told of it"


async def test_a_stream_that_broke_off_is_told_what_was_read_meanwhile_and_a_new_one_begins_with_now(
    database: Database, dwi: Person, phone: Phone
) -> None:
    await post_contribution(database, dwi)
    head = (await phone.get("/v1/inbox?limit=1")).json()["head"]["seq"]
    await phone.post("/v1/inbox/read", {"up_to": head}, key="")
    async with listening(phone, **{"Last-Event-ID": str(head - 1)}) as listener:
        assert (await listener.entry())["read"] is True
        assert (await listener.next())["data"] == f'{{"read_up_to":{head}}}'
    async with listening(phone) as listener:
        await post_contribution(database, dwi)
        await phone.post("/v1/inbox/read", {"up_to": 0}, key="")  # wakes it
        assert (await listener.entry())["seq"] == head + 1


async def test_many_idle_streams_hold_no_database_connection_and_leave_nothing_behind(
    database: Database, served: httpx.AsyncClient, bell: Jobs, servers: tuple[Postgres, Valkey]
) -> None:
    sessions = await gather(database.url(), SECRET, 1, sessions=SESSIONS)
    me, redis = sessions[0].participant_id, await bell.redis()
    mine = {"authorization": f"Bearer {sessions[0].token}"}
    channel = wake_channel(SECRET, me)
    async with asyncio.TaskGroup() as group:
        ends = asyncio.Event()
        started = [asyncio.Event() for _ in range(SESSIONS * OF_EACH)]

        async def hold(began: asyncio.Event, token: str) -> None:
            async with listening_with(served, token) as listener:
                began.set()
                assert (await listener.entry(15))["kind"] == "contribution_posted"
                await ends.wait()

        for number, began in enumerate(started):
            group.create_task(hold(began, sessions[number % SESSIONS].token))
        await asyncio.gather(*(began.wait() for began in started))
        # The pool has 10 connections: streams that held theirs would leave none for this.
        assert (await served.get("/v1/inbox", headers=mine)).status_code == 200
        assert await redis.pubsub_numsub(channel) == [(channel.encode(), 1)]
        await tell(database.url(), [me])
        doorbell = Doorbell()
        doorbell.ring(me, 0)
        await bell.ring(doorbell)
        ends.set()
    for _ in range(50):
        if await redis.pubsub_numsub(channel) == [(channel.encode(), 0)]:
            return
        await asyncio.sleep(0.1)
    pytest.fail("streams that were left are still listened for")


async def test_of_a_session_that_opens_too_many_the_oldest_ends(phone: Phone) -> None:
    async with AsyncExitStack() as stack:
        listeners = [await stack.enter_async_context(listening(phone)) for _ in range(OF_EACH)]
        async with listening(phone):
            event = await listeners[0].next()
            assert (event["event"], event["data"]) == ("replaced", '{"code":"too_many_streams"}')
            with pytest.raises(EOFError):
                await listeners[0].next()
            assert "comment" in await listeners[1].next(), "it goes on"


async def test_a_process_with_as_many_streams_as_it_may_have_says_when_to_come_again(
    database: Database, servers: tuple[Postgres, Valkey]
) -> None:
    async with AsyncExitStack() as stack:
        settings = structs.replace(settings_for(database, servers[1], "sepakat_api"), streams_max=0)
        api = await serve(create_api(settings), stack)
        answer = await api.get("/v1/stream")
        assert (answer.status_code, answer.json()["code"]) == (503, "busy")
        assert 2 <= int(answer.headers["retry-after"]) <= 30


async def test_a_reader_that_takes_nothing_is_cut_off_and_finds_the_rest_where_it_left(
    database: Database, served: httpx.AsyncClient
) -> None:
    """What the kernels hold between us is some 3 MB; the entries are more than that."""
    [slow] = await gather(database.url(), SECRET, 1)
    await tell(database.url(), [slow.participant_id] * LONG_ENTRIES, reason="x" * LONG_REASON)
    reading = await asyncio.to_thread(_stall, served.base_url, slow.token)
    try:
        taken = await asyncio.to_thread(_take_what_is_left, reading)
    finally:
        reading.close()
    seqs = [int(seq) for seq in re.findall(rb"^id: ([0-9]+)$", taken[: taken.rfind(b"\n\n")], re.MULTILINE)]
    assert len(seqs) < LONG_ENTRIES, "it was cut off before the end"
    last = str(seqs[-1]) if seqs else "0"
    async with listening_with(served, slow.token, **{"Last-Event-ID": last}) as listener:
        rest = [(await listener.entry())["seq"] for _ in range(LONG_ENTRIES + 1 - int(last))]
    assert [*seqs, *rest] == list(range(1, LONG_ENTRIES + 2))


def _stall(url: httpx.URL, token: str) -> socket.socket:
    """A stream from the beginning whose reader reads nothing until it has been cut off."""
    reading = socket.socket()
    reading.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reading.connect((url.host, url.port))
    lines = ["GET /v1/stream HTTP/1.1", "Host: test", f"Authorization: Bearer {token}", "Last-Event-ID: 0", "", ""]
    reading.sendall("\r\n".join(lines).encode())
    time.sleep(STALL_S + 2)
    return reading


def _take_what_is_left(reading: socket.socket) -> bytes:
    reading.settimeout(SOON_S)
    taken = b""
    with contextlib.suppress(ConnectionResetError):
        while part := reading.recv(65_536):
            taken += part
    return taken
