"""The description lists every answer: docs/errors.md, OpenAPI and what the routes really say are one.

What the tests of all nouns are answered is compared with the description in tests/conftest.py.
"""

from __future__ import annotations

import re

import httpx

from app.platform.problems import every_problem
from tests.contract.errors_page import PAGE, page


def test_the_errors_page_is_what_the_code_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make docs`"


def test_every_problem_can_be_met_somewhere_and_codes_are_unique() -> None:
    text = page()
    codes: dict[str, type] = {}
    for problem in every_problem():
        # 405 is the router's, before any route; a subclass may only sharpen what its code's owner says
        assert problem.code == "method_not_allowed" or f"| `{problem.code}` |" in text, problem.code
        owner = codes.setdefault(problem.code, problem)
        assert owner is problem or issubclass(problem, owner), problem.code


async def test_no_address_asks_for_anybodys_data(api: httpx.AsyncClient) -> None:
    document = (await api.get("/openapi.json")).json()
    asked = {
        f"{path}: {parameter['name']}"
        for path, item in document["paths"].items()
        for operation in item.values()
        for parameter in operation.get("parameters", [])
        if parameter["in"] in ("path", "query")
        and re.search(r"kpj|nik|phone|mail|name|birth|balance|amount", parameter["name"])
    }
    assert asked == set(), "addresses are logged and kept by whatever lies between; such values stand in bodies"


async def test_openapi_names_refusals_key_and_sign_in(api: httpx.AsyncClient) -> None:
    document = (await api.get("/openapi.json")).json()
    confirm = document["paths"]["/v1/merges/{merge_id}/confirmation"]["post"]
    conflict = confirm["responses"]["409"]["content"]["application/problem+json"]["schema"]["allOf"][1]
    assert "merge_plan_stale" in conflict["properties"]["code"]["enum"]
    assert "Idempotency-Key" in {parameter["name"] for parameter in confirm["parameters"]}
    assert confirm["security"] == [{"session": []}]
    enrol = document["paths"]["/v1/enrolments"]["post"]
    assert "security" not in enrol
    assert "Idempotency-Key" not in {parameter["name"] for parameter in enrol.get("parameters", [])}
    for item in document["paths"].values():
        for operation in item.values():
            for status, answer in operation["responses"].items():
                assert status < "400" or "application/problem+json" in answer["content"], (operation["summary"], status)
