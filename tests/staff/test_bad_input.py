"""Bad input to every route of staff is refused as problem details with a 4xx, and no body fits a second route."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contract.test_bad_input import BODIES, assert_refused
from tests.staff.conftest import Staff

SOME_ID = "01937f5e-7a40-7cc1-8f6e-3a2b1c0d9e8f"
GOOD: dict[str, dict[str, Any]] = {
    "cases/search": {"case_search": {"limit": 1}},
    "cases/read": {"case_read": {"case_id": SOME_ID, "purpose": "dispute"}},
    "documents/read": {"document_read": {"case_id": SOME_ID, "document_id": SOME_ID, "purpose": "dispute"}},
    "cases/decide": {"case_decision": {"case_id": SOME_ID, "decision": "restored", "reason": "Cukup"}},
    "freezes/decide": {"freeze_decision": {"nik": "9" * 16, "act": "freeze", "reason": "Cukup"}},
    "participants/view": {"support_view": {"support_code": "ZZZZ-ZZZZ", "purpose": "support"}},
}


async def post(staff: Staff, path: str, content: bytes, headers: dict[str, str]) -> Any:
    signed_in = {"authorization": f"Bearer {staff.provider.sign(sub='bad-input')}"}
    return await staff.client.post(f"/staff/v1/{path}", content=content, headers=headers | signed_in)


@pytest.mark.parametrize("name", BODIES)
async def test_no_route_takes_a_bad_body(staff: Staff, name: str) -> None:
    content, headers = BODIES[name]
    for path in GOOD:
        assert_refused(await post(staff, path, content, headers), f"{path}: {name}")


async def test_no_body_fits_another_route(staff: Staff) -> None:
    for path in GOOD:
        for other, body in GOOD.items():
            answer = await post(staff, path, json.dumps(body).encode(), {"content-type": "application/json"})
            if other != path:
                assert (answer.status_code, answer.json()["code"]) == (400, "request_invalid"), (path, other)
            else:
                assert answer.status_code in (200, 404)


async def test_the_description_names_every_route_and_its_refusals(staff: Staff) -> None:
    document = (await staff.client.get("/openapi.json")).json()
    described = {path: item["post"] for path, item in document["paths"].items() if path.startswith("/staff/")}
    assert described.keys() == {f"/staff/v1/{path}" for path in GOOD}
    for path, operation in described.items():
        assert operation["security"] == [{"session": []}]
        assert {"401", "403", "503"} <= operation["responses"].keys(), path
