"""The real firebase-admin code and the real HTTP, against a server that speaks FCM's protocol."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Literal

import pytest

from app.platform.fcm import Fcm
from app.platform.outcomes import Accepted, Misconfigured, Outcome, Rejected, RetryLater, Unregistered
from tests.local.running_simulator import RunningSimulator
from tests.platform.pushes import a_push

QUOTA_FAILURE = "type.googleapis.com/google.rpc.QuotaFailure"


@pytest.mark.parametrize("kind", ["fid", "token"])
async def test_an_accepted_push_carries_nothing_but_its_pointer(
    fcm: Fcm, simulator: RunningSimulator, kind: Literal["fid", "token"]
) -> None:
    push = a_push(kind, urgent=True)

    outcome = await fcm.send(push)

    assert isinstance(outcome, Accepted)
    assert outcome.message_id.startswith("projects/sepakat-local/messages/")
    [taken] = simulator.pushes_to(push.value)
    assert taken["target"] == {"kind": kind, "value": push.value}
    assert taken["outcome"] == "accepted"
    message = taken["message"]
    assert message["data"] == {"v": "1", "seq": "42", "class": "card", "id": push.delivery_id}
    assert message["notification"] == {"title": push.title, "body": push.body}
    assert message["android"] == {
        "priority": "high",
        "ttl": "2419200s",
        "notification": {"tag": push.delivery_id},
    }
    assert message["apns"]["headers"] == {"apns-collapse-id": push.delivery_id, "apns-priority": "10"}
    assert message["webpush"]["notification"] == {"tag": push.delivery_id}


async def test_a_retry_is_the_same_message_byte_for_byte(fcm: Fcm, simulator: RunningSimulator) -> None:
    push = a_push()
    await fcm.send(push)
    await fcm.send(push)
    first, second = simulator.pushes_to(push.value)
    assert first["message"] == second["message"]


IN_THE_TABLE: list[tuple[dict[str, Any], Outcome]] = [
    ({"status": 404, "error_code": "UNREGISTERED"}, Unregistered()),
    ({"status": 400, "error_code": "INVALID_ARGUMENT"}, Rejected("INVALID_ARGUMENT")),
    ({"status": 400}, Rejected("INVALID_ARGUMENT")),
    ({"status": 403, "error_code": "SENDER_ID_MISMATCH"}, Unregistered("sender_mismatch")),
    ({"status": 429, "error_code": "QUOTA_EXCEEDED"}, RetryLater(60, "quota_exceeded", provider_wide=True)),
    ({"status": 429, "retry_after": 7}, RetryLater(7, "quota_exceeded", provider_wide=True)),
    ({"status": 429, "retry_after": "99999999"}, RetryLater(3600, "quota_exceeded", provider_wide=True)),
    ({"status": 429, "retry_after": "soon"}, RetryLater(60, "quota_exceeded", provider_wide=True)),
    ({"status": 503, "retry_after": 120}, RetryLater(120, "unavailable_503", provider_wide=True)),
    ({"status": 503, "error_code": "UNAVAILABLE"}, RetryLater(10, "unavailable_503", provider_wide=True)),
    ({"status": 502, "body": "garbage"}, RetryLater(10, "unavailable_502", provider_wide=True)),
    ({"status": 500, "error_code": "INTERNAL"}, RetryLater(10, "internal_error", provider_wide=False)),
    ({"status": 200, "body": "garbage"}, RetryLater(10, "unknown_reply", provider_wide=False)),
    ({"status": 400, "body": "garbage"}, RetryLater(10, "unknown_status_400", provider_wide=False)),
    ({"status": 302}, RetryLater(10, "unknown_status_302", provider_wide=False)),
    ({"status": 418}, RetryLater(10, "unknown_status_418", provider_wide=False)),
    # A code that kills a target counts only with its own status.
    ({"status": 400, "error_code": "UNREGISTERED"}, Rejected("UNREGISTERED")),
    ({"status": 500, "error_code": "UNREGISTERED"}, RetryLater(10, "internal_error", provider_wide=False)),
]


@pytest.mark.parametrize(("answer", "expected"), IN_THE_TABLE, ids=lambda value: str(value)[:60])
async def test_each_answer_of_fcm_has_its_outcome(
    fcm: Fcm, simulator: RunningSimulator, answer: dict[str, Any], expected: Outcome
) -> None:
    push = a_push()
    simulator.script(push.value, answer)
    assert await fcm.send(push) == expected
    assert len(simulator.pushes_to(push.value)) == 1, "send never retries by itself"


@pytest.mark.parametrize("answer", [{"status": 404}, {"status": 403}, {"status": 404, "body": "garbage"}])
async def test_a_404_or_403_that_is_not_fcms_own_blames_our_configuration(
    fcm: Fcm, simulator: RunningSimulator, answer: dict[str, Any]
) -> None:
    push = a_push()
    simulator.script(push.value, answer)
    outcome = await fcm.send(push)
    assert isinstance(outcome, Misconfigured)
    assert outcome.scope == "provider"


async def test_a_device_over_its_own_quota_slows_only_itself(fcm: Fcm, simulator: RunningSimulator) -> None:
    push = a_push()
    violation = {"subject": "device:1", "description": "Device message rate exceeded"}
    details = [{"@type": QUOTA_FAILURE, "violations": [violation]}]
    simulator.script(push.value, {"status": 429, "error_code": "QUOTA_EXCEEDED", "details": details})
    assert await fcm.send(push) == RetryLater(60, "quota_exceeded", provider_wide=False)


async def test_retry_after_may_be_a_date(fcm: Fcm, simulator: RunningSimulator) -> None:
    push = a_push()
    due = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    simulator.script(push.value, {"status": 503, "retry_after": due})
    outcome = await fcm.send(push)
    assert isinstance(outcome, RetryLater)
    assert 80 <= outcome.after_s <= 91


async def test_a_connection_cut_after_the_message_was_taken_is_unknown(fcm: Fcm, simulator: RunningSimulator) -> None:
    push = a_push()
    simulator.script(push.value, {"drop": True})
    assert await fcm.send(push) == RetryLater(10, "unknown_connection_lost", provider_wide=False)
    assert simulator.pushes_to(push.value)[0]["outcome"] == "accepted"


async def test_an_answer_that_does_not_come_in_time_is_unknown(fcm: Fcm, simulator: RunningSimulator) -> None:
    push = a_push()
    simulator.script(push.value, {"delay_s": 4})
    started = time.monotonic()
    assert await fcm.send(push) == RetryLater(10, "unknown_timeout", provider_wide=False)
    assert time.monotonic() - started < 3.5


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\ncontent-encoding: gzip\r\n\r\nnot gzip!!",
        b'HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n{"name":',
        b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n" + b"[" * 100_000,
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n" + b'{"name":1}',
        b"HTTP/1.1 500 No\r\nretry-after: \xff\xfe\r\ncontent-length: 2\r\n\r\n[]",
    ],
    ids=["nothing", "ssh", "bad gzip", "cut", "deep", "wrong type", "binary header"],
)
async def test_no_reply_is_odd_enough_to_raise(simulator: RunningSimulator, answer: bytes) -> None:
    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(reply, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    fcm = Fcm(f"http://127.0.0.1:{port}", str(simulator.credentials), timeout_s=2.0)
    async with server:
        outcome = await fcm.send(a_push())
    await fcm.close()
    assert isinstance(outcome, RetryLater)


async def test_of_an_answer_without_end_a_little_is_read(simulator: RunningSimulator) -> None:
    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")
        with suppress(ConnectionError):
            while True:
                writer.write(b" " * 65536)
                await writer.drain()

    server = await asyncio.start_server(reply, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    fcm = Fcm(f"http://127.0.0.1:{port}", str(simulator.credentials), timeout_s=2.0)
    async with server:
        assert await fcm.send(a_push()) == RetryLater(10, "unknown_reply", provider_wide=False)
        await fcm.close()


async def test_no_redirect_takes_the_access_token_elsewhere(simulator: RunningSimulator) -> None:
    heard: list[bytes] = []

    async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n"))
        writer.write(b"HTTP/1.1 307 No\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(redirect, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    fcm = Fcm(f"http://127.0.0.1:{port}", str(simulator.credentials), timeout_s=2.0)
    async with server:
        outcome = await fcm.send(a_push())
    await fcm.close()
    assert outcome == RetryLater(10, "unknown_status_307", provider_wide=False)
    assert len(heard) == 1


async def test_an_unreachable_fcm_is_the_providers_trouble_not_the_targets(
    simulator: RunningSimulator,
) -> None:
    fcm = Fcm("http://127.0.0.1:9", str(simulator.credentials), timeout_s=2.0)
    assert await fcm.send(a_push()) == RetryLater(10, "unreachable", provider_wide=True)
    await fcm.close()


async def test_a_message_too_big_for_fcm_is_refused_by_fcm(fcm: Fcm) -> None:
    assert await fcm.send(a_push(body="x" * 4097)) == Rejected("INVALID_ARGUMENT")
    assert await fcm.send(a_push(value="not a registration")) == Rejected("INVALID_ARGUMENT")


async def test_no_registration_and_no_access_token_is_ever_logged(
    simulator: RunningSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    fcm = Fcm(simulator.base_url, str(simulator.credentials), timeout_s=1.0)
    said = []
    for answer in [*(answer for answer, _ in IN_THE_TABLE), {"status": 401}, {"drop": True}, {"delay_s": 2}]:
        push = a_push()
        simulator.script(push.value, answer)
        outcome = await fcm.send(push)
        said.append(f"{push!r} {outcome!r}")
        assert push.value not in caplog.text + "".join(said)
    assert "ya29." not in caplog.text + "".join(said) + repr(vars(fcm._grants))
    await fcm.close()
