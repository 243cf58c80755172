from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.platform.outcomes import Accepted, Rejected, RetryLater
from app.platform.sms import Sms, SmsGateway
from tests.local.running_simulator import RunningSimulator


@pytest.fixture
async def gateway(simulator: RunningSimulator) -> AsyncIterator[SmsGateway]:
    sender = SmsGateway(f"{simulator.base_url}/sms", timeout_s=2.0)
    yield sender
    await sender.close()


def an_sms(text: str = "Kode Anda 12345678") -> Sms:
    return Sms(str(uuid.uuid4()), f"0812-0000-{uuid.uuid4().int % 10_000:04}-{uuid.uuid4().int % 10**9}", text)


def texts_to(simulator: RunningSimulator, to: str) -> list[dict[str, Any]]:
    return [line for line in simulator.messages() if line["channel"] == "sms" and line["to"] == to]


async def test_an_sms_reaches_the_gateway(gateway: SmsGateway, simulator: RunningSimulator) -> None:
    sms = an_sms()
    assert await gateway.send(sms) == Accepted(sms.id)
    [line] = texts_to(simulator, sms.to)
    assert line == {"at": line["at"], "channel": "sms", "to": sms.to, "text": sms.text}


async def test_the_same_id_is_one_sms_however_often_it_is_sent(
    gateway: SmsGateway, simulator: RunningSimulator
) -> None:
    sms = an_sms()
    outcomes = await asyncio.gather(*(gateway.send(sms) for _ in range(20)))
    assert set(outcomes) == {Accepted(sms.id)}
    assert len(texts_to(simulator, sms.to)) == 1


async def test_an_sms_whose_answer_was_lost_is_not_doubled_by_the_retry(
    gateway: SmsGateway, simulator: RunningSimulator
) -> None:
    sms = an_sms()
    simulator.script(sms.to, {"drop": True})
    assert await gateway.send(sms) == RetryLater(10, "unknown_connection_lost", provider_wide=False)
    assert await gateway.send(sms) == Accepted(sms.id)
    assert len(texts_to(simulator, sms.to)) == 1


async def test_an_id_used_for_another_text_is_refused(gateway: SmsGateway) -> None:
    sms = an_sms()
    await gateway.send(sms)
    assert await gateway.send(Sms(sms.id, sms.to, "something else")) == Rejected("HTTP_409")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"status": 503, "retry_after": 33}, RetryLater(33, "gateway_busy_503", provider_wide=True)),
        ({"status": 429}, RetryLater(60, "gateway_busy_429", provider_wide=True)),
        ({"status": 401}, RetryLater(60, "gateway_refused_401", provider_wide=True)),
        ({"status": 500}, RetryLater(10, "unknown_status_500", provider_wide=False)),
        ({"status": 200, "body": "garbage"}, RetryLater(10, "unknown_reply", provider_wide=False)),
        ({"delay_s": 3}, RetryLater(10, "unknown_timeout", provider_wide=False)),
        ({"status": 422}, Rejected("HTTP_422")),
    ],
    ids=str,
)
async def test_each_answer_of_the_gateway_has_its_outcome(
    gateway: SmsGateway,
    simulator: RunningSimulator,
    answer: dict[str, Any],
    expected: RetryLater | Rejected,
) -> None:
    sms = an_sms()
    simulator.script(sms.to, answer)
    assert await gateway.send(sms) == expected


async def test_a_gateway_out_of_reach_is_worth_a_retry() -> None:
    gateway = SmsGateway("http://127.0.0.1:9/sms", timeout_s=2.0)
    assert await gateway.send(an_sms()) == RetryLater(10, "unreachable", provider_wide=True)
    await gateway.close()


def test_the_code_in_an_sms_does_not_show_in_its_repr() -> None:
    assert "12345678" not in repr(an_sms())
