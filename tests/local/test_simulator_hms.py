"""The simulator stands in for Huawei: it must refuse what Push Kit refuses."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from app.local.simulator_accounts import AccountError
from app.local.simulator_hms import APP_ID, write_hms_credentials
from tests.local.running_simulator import RunningSimulator, http

NOTIFICATION = {"title": "Ada kabar", "body": "Buka aplikasi.", "click_action": {"type": 3}}
MESSAGE = {"android": {"notification": NOTIFICATION}, "token": ["phone"]}


def ask_token(simulator: RunningSimulator, **changes: str) -> httpx.Response:
    own = msgspec.json.decode(simulator.hms_credentials.read_bytes())
    form = {"grant_type": "client_credentials", **own} | changes
    return http.post(simulator.hms_token_url, data=form)


def send(
    simulator: RunningSimulator, message: dict[str, Any], bearer: str | None = None, app_id: str = APP_ID
) -> httpx.Response:
    token = ask_token(simulator).json()["access_token"] if bearer is None else bearer
    url = f"{simulator.base_url}/v1/{app_id}/messages:send"
    return http.post(url, json={"message": message}, headers={"authorization": f"Bearer {token}"})


def test_credentials_buy_a_token_that_sends(simulator: RunningSimulator) -> None:
    assert ask_token(simulator).json()["expires_in"] == 3600
    answer = send(simulator, MESSAGE)
    assert (answer.status_code, answer.json()["code"]) == (200, "80000000")


@pytest.mark.parametrize(
    ("changes", "sub_error"),
    [({"client_secret": "x"}, 12304), ({"client_id": "1"}, 20003), ({"grant_type": "password"}, 20001)],
)
def test_other_credentials_buy_nothing(simulator: RunningSimulator, changes: dict[str, str], sub_error: int) -> None:
    answer = ask_token(simulator, **changes)
    assert (answer.status_code, answer.json()["sub_error"]) == (400, sub_error)


@pytest.mark.parametrize(
    ("status", "code", "message", "others"),
    [
        (401, "80200001", MESSAGE, {"bearer": "forged"}),
        (401, "80200001", MESSAGE, {"app_id": "2"}),
        (400, "80100003", {"token": ["phone"]}, {}),
        (400, "80100003", {**MESSAGE, "unknown": 1}, {}),
        (400, "80100003", {**MESSAGE, "data": "not json"}, {}),
        (400, "80100003", {**MESSAGE, "android": {"notification": {"title": "t", "body": "b"}}}, {}),
        (400, "80100004", {**MESSAGE, "android": {"notification": NOTIFICATION, "ttl": "1296001s"}}, {}),
        (400, "80300010", {**MESSAGE, "token": []}, {}),
        (400, "80300007", {**MESSAGE, "token": ["has space"]}, {}),
        (400, "80300008", {**MESSAGE, "data": msgspec.json.encode("x" * 4096).decode()}, {}),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_push_kit_refuses_is_refused(
    simulator: RunningSimulator, status: int, code: str, message: dict[str, Any], others: dict[str, str]
) -> None:
    before = len(simulator.messages())
    answer = send(simulator, message, **others)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert len(simulator.messages()) == before


def test_a_secret_that_is_reset_ends_what_the_old_one_bought(simulator: RunningSimulator) -> None:
    bearer = ask_token(simulator).json()["access_token"]
    valid = simulator.reset_hms_secret()
    assert send(simulator, MESSAGE, bearer).json()["code"] == "80200001"
    assert ask_token(simulator).json()["sub_error"] == 12304
    simulator.hms_credentials.write_bytes(valid)
    assert send(simulator, MESSAGE).json()["code"] == "80000000"


def test_the_credentials_are_private_made_once_and_a_real_file_is_never_touched(tmp_path: Path) -> None:
    path = tmp_path / "hms.json"
    write_hms_credentials(path)
    made = path.read_bytes()
    write_hms_credentials(path)
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (made, 0o600)
    real = made.replace(b'"app_id": "' + APP_ID.encode(), b'"app_id": "100000042')
    path.write_bytes(real)
    with pytest.raises(AccountError, match="100000042"):
        write_hms_credentials(path)
    assert path.read_bytes() == real
