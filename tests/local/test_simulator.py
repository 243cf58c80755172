"""The simulator stands in for Google: it must refuse what Google refuses, and forget nothing."""

from __future__ import annotations

import os
import smtplib
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import google.auth.crypt
import google.auth.jwt
import httpx
import msgspec
import pytest

from app.local.simulator import write_service_account
from app.local.simulator_accounts import AccountError
from tests.local.running_simulator import RunningSimulator, http, run_simulator

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"


def ask_token(simulator: RunningSimulator, account: dict[str, str], **claims: Any) -> httpx.Response:
    now = int(time.time())
    said = {
        "iss": account["client_email"],
        "aud": account["token_uri"],
        "scope": SCOPE,
        "iat": now,
        "exp": now + 3600,
    }
    signer = google.auth.crypt.RSASigner.from_service_account_info(account)  # type: ignore[no-untyped-call]
    assertion = google.auth.jwt.encode(signer, {**said, **claims})  # type: ignore[no-untyped-call]
    form = {"grant_type": GRANT_TYPE, "assertion": assertion.decode()}
    return http.post(f"{simulator.base_url}/token", data=form)


def own_account(simulator: RunningSimulator) -> dict[str, str]:
    account: dict[str, str] = msgspec.json.decode(simulator.credentials.read_bytes())
    return account


@pytest.fixture
def bearer(simulator: RunningSimulator) -> str:
    return str(ask_token(simulator, own_account(simulator)).json()["access_token"])


def send(
    simulator: RunningSimulator, bearer: str, body: dict[str, Any], project: str = "sepakat-local"
) -> httpx.Response:
    url = f"{simulator.base_url}/v1/projects/{project}/messages:send"
    return http.post(url, json=body, headers={"authorization": f"Bearer {bearer}"})


def fcm_code(answer: httpx.Response) -> str:
    [detail] = answer.json()["error"]["details"]
    assert detail["@type"] == "type.googleapis.com/google.firebase.fcm.v1.FcmError"
    return str(detail["errorCode"])


def test_a_signed_assertion_buys_a_token_that_sends(simulator: RunningSimulator, bearer: str) -> None:
    answer = ask_token(simulator, own_account(simulator))
    assert answer.json()["expires_in"] == 3599
    sent = send(simulator, bearer, {"message": {"fid": "p1", "data": {"v": "1"}}})
    assert sent.status_code == 200
    assert sent.json()["name"].startswith("projects/sepakat-local/messages/")


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "somebody@else.iam.gserviceaccount.com"},
        {"aud": "https://example.id/token"},
        {"exp": 1},
        {"exp": 4_000_000_000},
        {"scope": "https://www.googleapis.com/auth/drive"},
    ],
    ids=str,
)
def test_an_assertion_with_a_wrong_claim_buys_nothing(simulator: RunningSimulator, claims: dict[str, Any]) -> None:
    answer = ask_token(simulator, own_account(simulator), **claims)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_an_assertion_of_another_key_buys_nothing(simulator: RunningSimulator, tmp_path: Path) -> None:
    write_service_account(tmp_path / "other.json", simulator.base_url)
    answer = ask_token(simulator, msgspec.json.decode((tmp_path / "other.json").read_bytes()))
    assert answer.json() == {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}


@pytest.mark.parametrize("assertion", ["", "a.b.c", "e30.e30.", "\xff.\xff.\xff", "." * 50_000])
def test_an_assertion_that_is_none_buys_nothing(simulator: RunningSimulator, assertion: str) -> None:
    form = {"grant_type": GRANT_TYPE, "assertion": assertion}
    answer = http.post(f"{simulator.base_url}/token", data=form)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize("bearer", ["none", "ya29.forged"])
def test_a_send_without_a_living_token_is_unauthenticated(simulator: RunningSimulator, bearer: str) -> None:
    answer = send(simulator, bearer, {"message": {"fid": "p"}})
    assert answer.status_code == 401
    assert answer.json()["error"]["status"] == "UNAUTHENTICATED"
    assert "details" not in answer.json()["error"]


def test_another_project_is_forbidden(simulator: RunningSimulator, bearer: str) -> None:
    answer = send(simulator, bearer, {"message": {"fid": "p"}}, project="somebody-elses")
    assert (answer.status_code, answer.json()["error"]["status"]) == (403, "PERMISSION_DENIED")


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"data": {"v": "1"}},
        {"fid": "p", "token": "p"},
        {"topic": "all"},
        {"fid": "has space"},
        {"fid": "p", "data": {"v": 1}},
        {"fid": "p", "data": {"from": "x"}},
        {"fid": "p", "data": {"google.x": "x"}},
        {"fid": "p", "data": {"k": "x" * 4096}},
        {"fid": "p", "notification": {"title": "t", "text": "t"}},
        {"fid": "p", "unknown": 1},
        {"fid": "p", "android": {"ttl": "2419201s"}},
        {"fid": "p", "android": {"ttl": "60"}},
        {"fid": "p", "android": {"priority": "urgent"}},
        {"fid": "p", "apns": {"headers": {"apns-collapse-id": "x" * 65}}},
    ],
    ids=lambda value: str(value)[:50],
)
def test_what_fcm_refuses_is_refused(simulator: RunningSimulator, bearer: str, message: dict[str, Any]) -> None:
    before = len(simulator.messages())
    answer = send(simulator, bearer, {"message": message})
    assert answer.status_code == 400
    assert answer.json()["error"]["status"] == "INVALID_ARGUMENT"
    assert fcm_code(answer) == "INVALID_ARGUMENT"
    assert len(simulator.messages()) == before


def test_the_largest_message_and_the_longest_life_are_taken(simulator: RunningSimulator, bearer: str) -> None:
    message = {"fid": "p", "data": {"k": "x" * 4095}, "android": {"ttl": "2419200s"}}
    assert send(simulator, bearer, {"message": message}).status_code == 200


def test_scripted_answers_come_in_order_and_then_it_is_itself_again(simulator: RunningSimulator, bearer: str) -> None:
    simulator.script("phone-a", {"status": 404, "error_code": "UNREGISTERED"}, {"status": 503, "retry_after": 5})
    simulator.script("*", {"status": 500})
    body = {"message": {"fid": "phone-a"}}

    first, second = send(simulator, bearer, body), send(simulator, bearer, body)

    assert (first.status_code, fcm_code(first)) == (404, "UNREGISTERED")
    assert first.json()["error"]["status"] == "NOT_FOUND"
    assert (second.status_code, second.headers["retry-after"]) == (503, "5")
    assert send(simulator, bearer, {"message": {"fid": "phone-b"}}).status_code == 500
    assert send(simulator, bearer, body).status_code == 200
    outcomes = [line["outcome"] for line in simulator.pushes_to("phone-a")]
    assert outcomes == ["UNREGISTERED", "UNAVAILABLE", "accepted"]


def test_a_scripted_answer_is_given_as_often_as_it_says(simulator: RunningSimulator, bearer: str) -> None:
    simulator.script("phone-d", {"status": 503, "times": 2}, {"status": 500})
    statuses = [send(simulator, bearer, {"message": {"fid": "phone-d"}}).status_code for _ in range(4)]
    assert statuses == [503, 503, 500, 200]


def test_a_script_can_be_taken_back(simulator: RunningSimulator, bearer: str) -> None:
    simulator.script("phone-c", {"status": 500})
    assert http.delete(f"{simulator.base_url}/script").status_code == 204
    assert send(simulator, bearer, {"message": {"fid": "phone-c"}}).status_code == 200


def test_mail_taken_over_smtp_is_shown_as_text(simulator: RunningSimulator) -> None:
    mail = EmailMessage()
    mail["Subject"] = "Perubahan pada kartu Anda – segera"
    mail.set_content("Saldo Rp14.265.493 — “sudah dibaca?”\n")
    with smtplib.SMTP("127.0.0.1", simulator.smtp_port) as client:
        client.send_message(mail, "sepakat@example.id", ["dwi@example.id", "sari@example.id"])
    shown = [line for line in simulator.messages() if line["channel"] == "mail"]
    assert [line["to"] for line in shown] == ["dwi@example.id", "sari@example.id"]
    assert set(shown[0]) == {"at", "channel", "to", "subject", "text"}
    assert shown[0]["subject"] == "Perubahan pada kartu Anda – segera"
    assert shown[0]["text"].strip() == "Saldo Rp14.265.493 — “sudah dibaca?”"


def test_messages_can_be_read_on_from_where_one_was(simulator: RunningSimulator) -> None:
    known = len(simulator.messages())
    body = {"id": "after-1", "to": "0812-0000-0099", "text": "halo"}
    assert http.post(f"{simulator.base_url}/sms", json=body).status_code == 200
    assert [line["to"] for line in simulator.messages(after=known)] == ["0812-0000-0099"]
    assert http.get(f"{simulator.base_url}/messages?after=-1").status_code == 400


def test_what_was_answered_survives_a_kill_and_a_torn_last_line(tmp_path: Path) -> None:
    with run_simulator(tmp_path) as simulator:
        bodies = [{"id": f"{n}", "to": "0812-0000-0001", "text": f"{n}"} for n in range(100)]
        with httpx.Client(base_url=simulator.base_url) as client, ThreadPoolExecutor(20) as threads:
            answers = list(threads.map(lambda body: client.post("/sms", json=body), bodies))
        assert {answer.status_code for answer in answers} == {200}
        simulator.kill()
        with simulator.journal.open("ab") as file:
            file.write(b'{"at":"2026-11-2')

        simulator.start()

        assert {line["text"] for line in simulator.messages()} == {str(n) for n in range(100)}
        again = http.post(f"{simulator.base_url}/sms", json=bodies[7])
        assert again.status_code == 200
        assert len(simulator.messages()) == 100, "the gateway remembers the ids it has served"
        http.post(f"{simulator.base_url}/sms", json={**bodies[7], "id": "after the kill"})
        simulator.kill()
        simulator.start()
        assert len(simulator.messages()) == 101
        assert simulator.stop() == 0


def test_it_ends_at_once_even_while_an_answer_is_held_back(tmp_path: Path) -> None:
    with run_simulator(tmp_path) as simulator, ThreadPoolExecutor(1) as thread:
        simulator.script("0812-0000-0002", {"delay_s": 60})
        body = {"id": "held", "to": "0812-0000-0002", "text": "halo"}
        held = thread.submit(httpx.post, f"{simulator.base_url}/sms", json=body, timeout=30)
        while not simulator.messages():
            time.sleep(0.02)
        started = time.monotonic()
        assert simulator.stop() == 0
        assert time.monotonic() - started < 5
        assert isinstance(held.exception(), httpx.TransportError)


def test_the_account_file_is_private_made_once_and_follows_the_port(tmp_path: Path) -> None:
    path = tmp_path / "account.json"
    write_service_account(path, "http://127.0.0.1:8100")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    first = msgspec.json.decode(path.read_bytes())
    write_service_account(path, "http://127.0.0.1:8200")
    second = msgspec.json.decode(path.read_bytes())
    assert second == {**first, "token_uri": "http://127.0.0.1:8200/token"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_real_account_file_is_never_touched(tmp_path: Path) -> None:
    path = tmp_path / "account.json"
    write_service_account(path, "http://127.0.0.1:8100")
    real = path.read_bytes().replace(b'"project_id": "sepakat-local"', b'"project_id": "agency-production"')
    path.write_bytes(real)
    with pytest.raises(AccountError, match="agency-production"):
        write_service_account(path, "http://127.0.0.1:8100")
    assert path.read_bytes() == real


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"SEPAKAT_ENV": "production"}, "SEPAKAT_ENV=local"),
        ({"SEPAKAT_ENV": ""}, "SEPAKAT_ENV=local"),
        ({"SEPAKAT_SIMULATOR_PORT": "http"}, "takes a number"),
        ({}, "is taken; set SEPAKAT_SIMULATOR_PORT"),
    ],
    ids=str,
)
def test_it_refuses_to_start_with_one_clear_line(
    simulator: RunningSimulator, tmp_path: Path, change: dict[str, str], message: str
) -> None:
    environment = {
        **os.environ,
        "SEPAKAT_ENV": "local",
        "SEPAKAT_STATE_DIR": str(tmp_path),
        "SEPAKAT_SIMULATOR_PORT": str(simulator.port),
        **change,
    }
    ended = subprocess.run(
        [sys.executable, "-m", "app.local.simulator"], env=environment, capture_output=True, text=True, timeout=20
    )
    assert ended.returncode == 1
    assert message in ended.stderr
    assert ended.stderr.count("\n") == 1
