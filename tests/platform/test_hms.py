"""Pushes through Huawei, over real HTTP, against a server that speaks Push Kit's protocol."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.platform.hms import Hms
from app.platform.outcomes import Accepted, Misconfigured, Outcome, Rejected, RetryLater, Unregistered
from tests.local.running_simulator import RunningSimulator
from tests.platform.pushes import a_push


@pytest.fixture
async def hms(simulator: RunningSimulator) -> AsyncIterator[Hms]:
    sender = an_hms(simulator)
    assert isinstance(await sender.send(a_push("hms")), Accepted)  # from here on it believes that a token is invalid
    yield sender
    await sender.close()


def an_hms(
    simulator: RunningSimulator, credentials: Path | None = None, *, base_url: str = "", token_url: str = ""
) -> Hms:
    path = credentials or simulator.hms_credentials
    return Hms(base_url or simulator.base_url, token_url or simulator.hms_token_url, str(path), timeout_s=1.0)


def tampered(simulator: RunningSimulator, folder: Path, **changes: str) -> Path:
    path = folder / "hms.json"
    path.write_bytes(msgspec.json.encode(msgspec.json.decode(simulator.hms_credentials.read_bytes()) | changes))
    return path


@pytest.mark.parametrize(("urgent", "urgency"), [(True, "HIGH"), (False, "NORMAL")])
async def test_an_accepted_push_carries_nothing_but_its_pointer(
    hms: Hms, simulator: RunningSimulator, urgent: bool, urgency: str
) -> None:
    push = a_push("hms", urgent=urgent)

    outcome = await hms.send(push)

    assert isinstance(outcome, Accepted)
    assert outcome.message_id
    [taken] = simulator.pushes_to(push.value)
    assert (taken["target"], taken["outcome"]) == ({"kind": "hms", "value": push.value}, "accepted")
    message = taken["message"]
    assert msgspec.json.decode(message["data"]) == {"v": "1", "seq": "42", "class": "card", "id": push.delivery_id}
    assert message["android"] == {
        "urgency": urgency,
        "ttl": "1296000s",
        "notification": {
            "title": push.title,
            "body": push.body,
            "click_action": {"type": 3},
            "tag": push.delivery_id,
        },
    }
    assert set(message) == {"android", "data", "token"}


async def test_a_retry_is_the_same_message_byte_for_byte(hms: Hms, simulator: RunningSimulator) -> None:
    push = a_push("hms")
    await hms.send(push)
    await hms.send(push)
    first, second = simulator.pushes_to(push.value)
    assert first["message"] == second["message"]


IN_THE_TABLE: list[tuple[dict[str, Any], Outcome]] = [
    ({"error_code": "80300007"}, Unregistered()),
    ({"status": 400, "error_code": "80300007"}, Unregistered()),
    ({"error_code": "80100000"}, Unregistered()),
    ({"error_code": "80100001"}, Rejected("80100001")),
    ({"status": 400, "error_code": "80100003"}, Rejected("80100003")),
    ({"error_code": "80100016"}, Rejected("80100016")),
    ({"error_code": "80300008"}, Rejected("80300008")),
    ({"error_code": "80300010"}, Rejected("80300010")),
    ({"error_code": "81000001"}, RetryLater(10, "internal_error", provider_wide=False)),
    ({"error_code": "80999999"}, RetryLater(10, "unknown_code_80999999", provider_wide=False)),
    ({"error_code": "Tidak; token=abc"}, RetryLater(10, "unknown_code_unspecified", provider_wide=False)),
    ({"status": 503}, RetryLater(60, "flow_control", provider_wide=True)),
    ({"status": 503, "retry_after": 7}, RetryLater(7, "flow_control", provider_wide=True)),
    ({"status": 429}, RetryLater(60, "flow_control", provider_wide=True)),
    ({"status": 500}, RetryLater(10, "internal_error", provider_wide=False)),
    ({"status": 502, "body": "garbage"}, RetryLater(10, "unavailable_502", provider_wide=True)),
    ({"body": "garbage"}, RetryLater(10, "unknown_reply", provider_wide=False)),
    ({"status": 400, "body": "garbage"}, RetryLater(10, "unknown_status_400", provider_wide=False)),
    ({"status": 302}, RetryLater(10, "unknown_status_302", provider_wide=False)),
    # A code that kills a target counts for nothing where something in between may have answered.
    ({"status": 500, "error_code": "80300007"}, RetryLater(10, "internal_error", provider_wide=False)),
    ({"status": 503, "error_code": "80300007"}, RetryLater(60, "flow_control", provider_wide=True)),
]


@pytest.mark.parametrize(("answer", "expected"), IN_THE_TABLE, ids=lambda value: str(value)[:60])
async def test_each_answer_of_push_kit_has_its_outcome(
    hms: Hms, simulator: RunningSimulator, answer: dict[str, Any], expected: Outcome
) -> None:
    push = a_push("hms")
    simulator.script(push.value, answer)
    assert await hms.send(push) == expected
    assert len(simulator.pushes_to(push.value)) == 1, "send never retries by itself"


@pytest.mark.parametrize(
    "answer",
    [
        *({"error_code": code} for code in ("80300002", "80300013", "80600003")),
        {"status": 403},
        {"status": 404, "body": "garbage"},
    ],
    ids=str,
)
async def test_what_is_our_own_fault_blames_our_configuration(
    hms: Hms, simulator: RunningSimulator, answer: dict[str, Any]
) -> None:
    push = a_push("hms")
    simulator.script(push.value, answer)
    outcome = await hms.send(push)
    assert isinstance(outcome, Misconfigured)
    assert outcome.scope == "provider"


async def test_an_app_that_may_not_hurry_is_told_once_and_sends_all_the_same(
    hms: Hms, simulator: RunningSimulator
) -> None:
    first, second = a_push("hms", urgent=True), a_push("hms", urgent=True)
    simulator.script(first.value, {"error_code": "80300011"})
    assert isinstance(await hms.send(first), Accepted)
    assert isinstance(await hms.send(second), Accepted)
    sent = simulator.pushes_to(first.value) + simulator.pushes_to(second.value)
    assert [push["message"]["android"]["urgency"] for push in sent] == ["HIGH", "NORMAL", "NORMAL"]


async def test_an_urgency_that_was_not_asked_for_is_no_reason_to_try_again(
    hms: Hms, simulator: RunningSimulator
) -> None:
    push = a_push("hms")
    simulator.script(push.value, {"error_code": "80300011"})
    assert isinstance(await hms.send(push), Misconfigured)


@pytest.mark.parametrize("code", ["80300007", "80100000"])
async def test_no_token_is_called_invalid_before_one_of_the_app_was_served(
    simulator: RunningSimulator, code: str
) -> None:
    """With the credentials of another app Huawei calls every token invalid: that must clear nobody's target."""
    hms = an_hms(simulator)
    push = a_push("hms")
    simulator.script(push.value, {"error_code": code}, {"error_code": code})
    assert await hms.send(push) == RetryLater(10, "invalid_token_unproven", provider_wide=False)
    assert isinstance(await hms.send(a_push("hms")), Accepted)
    assert await hms.send(push) == Unregistered()
    await hms.close()


async def test_a_connection_cut_or_too_slow_is_unknown(hms: Hms, simulator: RunningSimulator) -> None:
    cut, slow = a_push("hms"), a_push("hms")
    simulator.script(cut.value, {"drop": True})
    simulator.script(slow.value, {"delay_s": 2})
    assert await hms.send(cut) == RetryLater(10, "unknown_connection_lost", provider_wide=False)
    assert await hms.send(slow) == RetryLater(10, "unknown_timeout", provider_wide=False)


async def test_an_unreachable_provider_is_not_the_targets_trouble(simulator: RunningSimulator) -> None:
    for hms, reason in (
        (an_hms(simulator, base_url="http://127.0.0.1:9"), "unreachable"),
        (an_hms(simulator, token_url="http://127.0.0.1:9/oauth2/v3/token"), "token_endpoint_unreachable"),
    ):
        assert await hms.send(a_push("hms")) == RetryLater(10, reason, provider_wide=True)
        await hms.close()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"HTTP/1.1 503 No\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n", "token_endpoint_unavailable"),
        (b"HTTP/1.1 590 No\r\ncontent-length: 0\r\n\r\n", "token_endpoint_unavailable"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]", "token_endpoint_unreadable"),
        (b"SSH-2.0-OpenSSH_9.9\r\n", "token_endpoint_unreachable"),
        (b"HTTP/1.1 302 No\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n", "token_endpoint_unavailable"),
    ],
)
async def test_trouble_of_the_token_endpoint_is_worth_a_retry(
    simulator: RunningSimulator, answer: bytes, expected: str
) -> None:
    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(reply, "127.0.0.1", 0)
    hms = an_hms(simulator, token_url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/oauth2/v3/token")
    async with server:
        outcome = await hms.send(a_push("hms"))
    await hms.close()
    assert isinstance(outcome, RetryLater)
    assert (outcome.reason, outcome.provider_wide) == (expected, True)


async def test_an_expired_token_is_fetched_anew_once_for_all_who_wait(hms: Hms, simulator: RunningSimulator) -> None:
    issued = simulator.tokens_issued("hms_tokens_issued")
    pushes = [a_push("hms") for _ in range(10)]
    for number, push in enumerate(pushes):
        refusal = {"status": 401, "error_code": "80200003"} if number % 2 else {"error_code": "80200001"}
        simulator.script(push.value, refusal | {"delay_s": 0.2})
    outcomes = await asyncio.gather(*(hms.send(push) for push in pushes))
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert simulator.tokens_issued("hms_tokens_issued") == issued + 1


async def test_a_second_refusal_is_our_configuration(hms: Hms, simulator: RunningSimulator) -> None:
    push = a_push("hms")
    simulator.script(push.value, *({"status": 401} for _ in range(3)))
    assert isinstance(await hms.send(push), Misconfigured)
    assert len(simulator.pushes_to(push.value)) == 2


async def test_a_secret_that_was_reset_is_taken_up_without_a_restart(
    simulator: RunningSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.platform.push_grants._FAILURE_HOLD_S", 0.0)
    own = tampered(simulator, tmp_path)
    hms = an_hms(simulator, own)
    assert isinstance(await hms.send(a_push("hms")), Accepted)
    valid = simulator.reset_hms_secret()
    assert isinstance(await hms.send(a_push("hms")), Misconfigured)
    for path in (own, simulator.hms_credentials):
        path.write_bytes(valid)
    assert isinstance(await hms.send(a_push("hms")), Accepted)
    await hms.close()


@pytest.mark.parametrize(
    "changes",
    [
        {"client_secret": "former"},
        {"client_id": "1"},
        {"app_id": "100000009"},
        {"app_id": ""},
        {"app_id": "../v1/elsewhere"},
        {"client_secret": ""},
    ],
    ids=str,
)
async def test_credentials_that_do_not_serve_keep_the_message_and_say_so(
    simulator: RunningSimulator, tmp_path: Path, changes: dict[str, str]
) -> None:
    push = a_push("hms")
    hms = an_hms(simulator, tampered(simulator, tmp_path, **changes))
    outcome = await hms.send(push)
    await hms.close()
    assert isinstance(outcome, Misconfigured)
    assert "former" not in outcome.reason
    assert simulator.pushes_to(push.value) == []


async def test_a_file_that_is_none_says_so(simulator: RunningSimulator, tmp_path: Path) -> None:
    (tmp_path / "odd.json").write_text("[")
    for path in (tmp_path / "odd.json", tmp_path / "missing.json", tmp_path):
        hms = an_hms(simulator, path)
        assert isinstance(await hms.send(a_push("hms")), Misconfigured)
        await hms.close()


async def test_what_push_kit_refuses_is_refused_by_the_simulator(hms: Hms) -> None:
    assert await hms.send(a_push("hms", body="x" * 4097)) == Rejected("80300008")
    assert await hms.send(a_push("hms", body="")) == Rejected("80100003")
    assert await hms.send(a_push("hms", value="not a token")) == Unregistered()


async def test_no_token_and_no_secret_is_ever_logged(
    simulator: RunningSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    hms = an_hms(simulator)
    secret = msgspec.json.decode(simulator.hms_credentials.read_bytes())["client_secret"]
    said = []
    for answer in [*(answer for answer, _ in IN_THE_TABLE[2:5]), {"status": 401}, {"drop": True}, {"error_code": "x"}]:
        push = a_push("hms")
        simulator.script(push.value, answer)
        said.append(f"{push!r} {await hms.send(push)!r}")
        assert push.value not in caplog.text + "".join(said)
    heard = caplog.text + "".join(said) + repr(vars(hms._grants))
    assert "app-access." not in heard
    assert secret not in heard
    await hms.close()
