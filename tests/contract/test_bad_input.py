"""Bad input to every route is refused as problem details with a 4xx, never a 5xx."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.conftest import Apps
from tests.people import Phone, add_person

SOME_ID = "01937f5e-7a40-7cc1-8f6e-3a2b1c0d9e8f"
JSON = {"content-type": "application/json"}
BODIES: dict[str, tuple[bytes, dict[str, str]]] = {
    "malformed": (b'{"kpj": ', JSON),
    "not UTF-8": (b'{"kpj": "\xff\xfe"}', JSON),
    "NUL": (b'{"kpj": "9900\\u00000000011"}', JSON),
    "raw NUL": (b'{"kpj": "9900\x000000011"}', JSON),
    "bidi override": ('{"kpj": "99\u202e00000011"}'.encode(), JSON),
    "lone surrogate": (b'{"kpj": "\\ud800"}', JSON),
    "100,000 deep": (b"[" * 50_000 + b"]" * 10_000, JSON),
    "deep and closed": (b'{"a":' * 9_000 + b"1" + b"}" * 9_000, JSON),
    "duplicate keys": (b'{"kpj": "99000000011", "kpj": "99000000012"}', JSON),
    "unknown field": (b'{"is_admin": true}', JSON),
    "not a number": (b'{"up_to": NaN}', JSON),
    "huge number": (b'{"up_to": 1' + b"0" * 5_000 + b"}", JSON),
    "wrong types": (b'{"kpj": 7, "absorb": "x", "up_to": [], "seqs": {}, "nonce": 1, "proof": 2}', JSON),
    "an array": (b"[]", JSON),
    "null": (b"null", JSON),
    "empty": (b"", JSON),
    "1 MB": (b'{"kpj": "' + b"9" * 1_000_000 + b'"}', JSON),
    "text": (b'{"kpj": "99000000011"}', {"content-type": "text/plain"}),
    "form": (b"kpj=99000000011", {"content-type": "application/x-www-form-urlencoded"}),
    "no type": (b'{"kpj": "99000000011"}', {}),
}


@pytest_asyncio.fixture(scope="module")
async def signed_in(apps: Apps) -> Phone:
    return await Phone(apps.api).enrol(await add_person(apps.database))


@pytest_asyncio.fixture(scope="module")
async def operations(apps: Apps) -> list[tuple[str, str, dict[str, Any]]]:
    paths = (await apps.api.get("/openapi.json")).json()["paths"]
    return [
        (method.upper(), path, operation)
        for path, item in paths.items()
        if path.startswith(("/v1/", "/local/"))
        for method, operation in item.items()
    ]


def assert_refused(answer: httpx.Response, what: str) -> None:
    assert 400 <= answer.status_code < 500, (what, answer.status_code, answer.text)
    assert answer.headers["content-type"] == "application/problem+json", what
    problem = answer.json()
    assert problem["status"] == answer.status_code, what
    assert {"type", "title", "code", "detail", "instance"} <= set(problem), what
    assert "{" not in problem["detail"], (what, "an unfilled text")


@pytest.mark.parametrize("name", BODIES)
async def test_no_route_takes_a_bad_body(
    signed_in: Phone, operations: list[tuple[str, str, dict[str, Any]]], name: str
) -> None:
    body, headers = BODIES[name]
    with_bodies = [entry for entry in operations if "requestBody" in entry[2]]
    assert len(with_bodies) > 10
    for method, template, _ in with_bodies:
        path = template.replace("{seq}", "1")
        for parameter in ("match_id", "merge_id", "card_id", "enrolment_id", "session_id", "device_id", "passkey_id"):
            path = path.replace(f"{{{parameter}}}", SOME_ID)
        answer = await signed_in.request(
            method, path, content=body, headers=headers | {"idempotency-key": f"{name}-{path}".replace(" ", "-")}
        )
        if name == "empty" and answer.status_code in (200, 201, 404):
            continue  # an empty body is `{}`, which says all there is to say here
        assert_refused(answer, f"{method} {path}: {name}")


async def test_no_route_takes_a_bad_path_or_query(
    signed_in: Phone, operations: list[tuple[str, str, dict[str, Any]]]
) -> None:
    for method, template, operation in operations:
        if "{" in template:
            for bad in ("not-a-uuid", "%00", "%ff", "..%2f..", "1e400", "9" * 400):
                path = template
                for parameter in operation.get("parameters", []):
                    path = path.replace(f"{{{parameter['name']}}}", bad)
                answer = await signed_in.request(method, path, json={}, headers={"idempotency-key": "bad"})
                assert_refused(answer, f"{method} {path}")
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "query":
                for bad in ("\x00", "-1", "99999999999999999999999", "x" * 5000, "💥"):
                    path = template.replace("{card_id}", SOME_ID)
                    answer = await signed_in.request(method, path, params={parameter["name"]: bad})
                    assert_refused(answer, f"{method} {path}?{parameter['name']}={bad[:20]!r}")


async def test_odd_headers_are_refused_too(signed_in: Phone) -> None:
    for header in ("Bearer", "Bearer ", "Bearer x.y.z", "Basic YTpi", "Bearer " + "A" * 5000, "Bearer \xff"):
        answer = await signed_in.api.get("/v1/cards", headers=[(b"authorization", header.encode("latin-1"))])
        assert_refused(answer, header[:20])
        assert answer.status_code == 401
    for key in ("", "x" * 101, "with space", "ä"):
        answer = await signed_in.request(
            "POST",
            "/v1/merges",
            json={"absorb": ["99000000011"], "into": "99000000012"},
            headers={b"idempotency-key": key.encode()},  # type: ignore[dict-item]
        )
        assert_refused(answer, key[:20])
        assert answer.json()["code"] == "idempotency_key_missing"


async def test_a_detail_speaks_the_language_asked_for(signed_in: Phone) -> None:
    details = {
        language: (await signed_in.api.get("/v1/cards", headers={"accept-language": language})).json()["detail"]
        for language in ("", "id", "id-ID,en;q=0.5", "en", "en-GB", "fr")
    }
    assert details["en"] == details["en-GB"] != details["id"]
    assert details[""] == details["id"] == details["fr"] == details["id-ID,en;q=0.5"]


async def test_an_instance_is_never_the_same_twice(signed_in: Phone) -> None:
    answers = [await signed_in.api.get("/v1/cards") for _ in range(2)]
    assert len({json.dumps(answer.json()["instance"]) for answer in answers}) == 2


async def test_only_methods_of_a_route_are_taken_and_trace_is_none(signed_in: Phone) -> None:
    for method in ("TRACE", "CONNECT", "PROPFIND", "DELETE"):
        answer = await signed_in.request(method, "/v1/cards")
        assert answer.status_code == 405, method
        assert "authorization" not in answer.text.lower()
