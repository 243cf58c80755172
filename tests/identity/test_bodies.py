"""Whatever is sent to a route of this noun or of devices, the answer is a refusal in problem details, never a failure."""

from __future__ import annotations

import httpx
import pytest

from tests.conftest import Database
from tests.people import Phone, add_person

SOME_ID = "01937f5e-7a40-7cc1-8f6e-3a2b1c0d9e8f"

ROUTES = [
    ("POST", "/v1/enrolments"),
    ("POST", f"/v1/enrolments/{SOME_ID}/verification"),
    ("POST", "/v1/challenges"),
    ("POST", "/v1/sessions"),
    ("POST", "/v1/sessions/refresh"),
    ("PUT", "/v1/push-target"),
    ("PATCH", f"/v1/devices/{SOME_ID}"),
    ("DELETE", f"/v1/devices/{SOME_ID}"),
]
BODIES = {
    "nothing": b"",
    "malformed": b'{"a":',
    "invalid UTF-8": b'{"a":"\xff"}',
    "NUL": b'{"nik":"\\u0000"}',
    "100,000 deep": b"[" * 100_000,
    "64 KiB deep": b"[" * 32_000 + b"]" * 32_000,
    "a key twice": b'{"otp":"1","otp":"2"}',
    "unknown field": b'{"surprise":1}',
    "1 MB": b'{"otp":"' + b"1" * 1_000_000 + b'"}',
    "a list": b"[]",
    "null": b"null",
    "a number": b"1e999",
    "lone surrogate": b'{"name":"\\ud800"}',
}


@pytest.mark.parametrize(("method", "path"), ROUTES, ids=str)
async def test_a_body_that_does_not_fit_is_refused(
    api: httpx.AsyncClient, database: Database, method: str, path: str
) -> None:
    phone = await Phone(api).enrol(await add_person(database))
    json = {"content-type": "application/json"}
    answers = {name: await phone.request(method, path, content=body, headers=json) for name, body in BODIES.items()}
    for content_type in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/msgpack",
    ):
        answers[content_type] = await phone.request(method, path, content=b"{}", headers={"content-type": content_type})
    for name, answer in answers.items():
        assert 400 <= answer.status_code < 500, (name, answer.text)
        assert answer.headers["content-type"] == "application/problem+json", name
        assert answer.json()["code"] != "not_signed_in", name


@pytest.mark.parametrize(
    "path", ["/v1/sessions?limit=0", "/v1/sessions?limit=101", "/v1/devices?cursor=x", "/v1/devices?limit=9e9"]
)
async def test_a_list_is_asked_for_within_bounds(api: httpx.AsyncClient, database: Database, path: str) -> None:
    phone = await Phone(api).enrol(await add_person(database))
    assert (await phone.get(path)).status_code == 400
