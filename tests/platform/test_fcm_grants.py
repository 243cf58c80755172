"""One access token for all sends: fetched once, renewed when refused, and never at the cost of a message."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path

import msgspec
import pytest

from app.local.simulator import write_service_account
from app.platform.fcm import Fcm
from app.platform.outcomes import Accepted, Misconfigured, RetryLater
from tests.local.running_simulator import RunningSimulator
from tests.platform.pushes import a_push


async def test_a_401_refreshes_the_token_once_and_sends_again(fcm: Fcm, simulator: RunningSimulator) -> None:
    await fcm.send(a_push())
    issued = simulator.tokens_issued()
    push = a_push()
    simulator.script(push.value, {"status": 401})

    assert isinstance(await fcm.send(push), Accepted)

    assert simulator.tokens_issued() == issued + 1
    assert [line["outcome"] for line in simulator.pushes_to(push.value)] == ["UNAUTHENTICATED", "accepted"]


async def test_a_second_401_is_our_configuration(fcm: Fcm, simulator: RunningSimulator) -> None:
    push = a_push()
    simulator.script(push.value, {"status": 401}, {"status": 401}, {"status": 401})
    assert isinstance(await fcm.send(push), Misconfigured)
    assert len(simulator.pushes_to(push.value)) == 2


async def test_apples_or_web_pushs_401_neither_refreshes_nor_stops_android(
    fcm: Fcm, simulator: RunningSimulator
) -> None:
    push = a_push()
    await fcm.send(a_push())
    issued = simulator.tokens_issued()
    simulator.script(push.value, {"status": 401, "error_code": "THIRD_PARTY_AUTH_ERROR"})
    outcome = await fcm.send(push)
    assert isinstance(outcome, Misconfigured)
    assert outcome.scope == "apple_and_web"
    assert simulator.tokens_issued() == issued


async def test_a_crowd_of_first_sends_fetches_one_token(fcm: Fcm, simulator: RunningSimulator) -> None:
    issued = simulator.tokens_issued()
    outcomes = await asyncio.gather(*(fcm.send(a_push()) for _ in range(200)))
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert simulator.tokens_issued() == issued + 1


async def test_a_crowd_that_is_refused_fetches_one_token(fcm: Fcm, simulator: RunningSimulator) -> None:
    pushes = [a_push() for _ in range(50)]
    await fcm.send(a_push())
    issued = simulator.tokens_issued()
    for number, push in enumerate(pushes):
        # Half of them hear of it only when the others have the new token already.
        simulator.script(push.value, {"status": 401, "delay_s": 0.3 if number % 2 else 1.0})
    outcomes = await asyncio.gather(*(fcm.send(push) for push in pushes))
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert simulator.tokens_issued() == issued + 1


async def test_one_sender_giving_up_leaves_the_token_to_the_others(simulator: RunningSimulator) -> None:
    fcm = Fcm(simulator.base_url, str(simulator.credentials), timeout_s=2.0)
    impatient = asyncio.create_task(fcm.send(a_push()))
    patient = asyncio.create_task(fcm.send(a_push()))
    await asyncio.sleep(0)
    impatient.cancel()
    assert isinstance(await patient, Accepted)
    await fcm.close()


def tamper(path: Path, **changes: str) -> Path:
    account = msgspec.json.decode(path.read_bytes())
    tampered = path.with_name(f"{uuid.uuid4().hex}.json")
    tampered.write_bytes(msgspec.json.encode({**account, **changes}))
    return tampered


async def test_credentials_that_google_refuses_keep_the_message_and_say_so(
    simulator: RunningSimulator, tmp_path: Path
) -> None:
    other = tmp_path / "other.json"
    write_service_account(other, simulator.base_url)
    other_key = msgspec.json.decode(other.read_bytes())["private_key"]
    push = a_push()
    for path in (
        tamper(simulator.credentials, private_key=other_key),
        tamper(simulator.credentials, client_email="somebody@sepakat-local.iam.gserviceaccount.com"),
        tamper(simulator.credentials, private_key="-----BEGIN PRIVATE KEY-----\n"),
        tamper(simulator.credentials, project_id="another-project"),
        tamper(simulator.credentials, project_id=""),
        tmp_path / "missing.json",
    ):
        fcm = Fcm(simulator.base_url, str(path), timeout_s=2.0)
        outcome = await fcm.send(push)
        await fcm.close()
        assert isinstance(outcome, Misconfigured), path
        assert "private" not in outcome.reason.lower()
    assert simulator.pushes_to(push.value) == []


async def test_a_token_endpoint_out_of_reach_is_worth_a_retry(simulator: RunningSimulator) -> None:
    path = tamper(simulator.credentials, token_uri="http://127.0.0.1:9/token")
    fcm = Fcm(simulator.base_url, str(path), timeout_s=2.0)
    assert await fcm.send(a_push()) == RetryLater(10, "token_endpoint_unreachable", provider_wide=True)
    await fcm.close()


async def test_a_rotated_key_is_taken_up_without_a_restart(
    simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.platform.push_grants._FAILURE_HOLD_S", 0.0)
    path = tamper(simulator.credentials, client_email="former@sepakat-local.iam.gserviceaccount.com")
    fcm = Fcm(simulator.base_url, str(path), timeout_s=2.0)
    assert isinstance(await fcm.send(a_push()), Misconfigured)
    path.write_bytes(simulator.credentials.read_bytes())
    assert isinstance(await fcm.send(a_push()), Accepted)
    await fcm.close()
