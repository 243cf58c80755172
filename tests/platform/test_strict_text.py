"""What is not seen, or is spelt in a second way, is refused wherever it stands; what people write is taken."""

from __future__ import annotations

import json
import sys
import unicodedata
from typing import Any

import httpx
import pytest

from app.platform.strict_text import bad_text, find_bad_text
from tests.conftest import Database
from tests.people import Phone, add_person


def test_every_control_format_surrogate_and_noncharacter_is_refused() -> None:
    taken = [
        f"U+{point:04X}"
        for point in range(sys.maxunicode + 1)
        if (unicodedata.category(chr(point)) in ("Cc", "Cf", "Cs", "Zl", "Zp") or point & 0xFFFE == 0xFFFE)
        and bad_text(f"a{chr(point)}b") is None
    ]
    assert taken == []
    assert all(bad_text(chr(point)) for point in range(0xFDD0, 0xFDF0))


@pytest.mark.parametrize(
    "text",
    [
        "Dwi Lestari",
        "Ponsel Dwi 📱",
        "Siti Nurḥaliza",
        "Raden Adjeng Kartini–Œuvre",
        "ꦢꦮꦶ",
        "دوي لستاري",
        "戴薇",
        "",
        " ",
    ],
)
def test_what_people_write_is_taken(text: str) -> None:
    assert bad_text(unicodedata.normalize("NFC", text)) is None


def test_the_place_is_named_and_what_cannot_be_seen_is_not_repeated() -> None:
    value = {"device": {"name": "a\u202eb"}, "list": [1, {"x": "e\u0301"}], "bad\u200bkey": 1, "good": "é"}
    found = dict(find_bad_text(value))
    assert set(found) == {"device.name", "list[1].x", ""}
    assert found[""].startswith("a key")


@pytest.mark.parametrize(
    "bad", ["\x00", "\n", "\x7f", "\u202e", "\u2066", "\u200d", "\ud800", "\uffff", "e\u0301"], ids=ascii
)
async def test_a_body_and_a_query_are_told_which_field(api: httpx.AsyncClient, database: Database, bad: str) -> None:
    phone = await Phone(api).enrol(await add_person(database))
    body = json.dumps({"name": f"Ponsel{bad}Dwi"}).encode()
    json_type = {"content-type": "application/json"}
    renamed = await phone.request("PATCH", f"/v1/devices/{phone.device_id}", content=body, headers=json_type)
    told: dict[str, Any] = renamed.json()
    assert (renamed.status_code, told["code"]) == (400, "request_invalid")
    assert [error["field"] for error in told["errors"]] == ["name"]
    if bad != "\ud800":
        asked = await phone.get("/v1/cards", params={"as_of": f"2025-01-01{bad}"})
        assert (asked.status_code, [error["field"] for error in asked.json()["errors"]]) == (400, ["as_of"])


async def test_a_query_that_is_no_utf8_is_refused(api: httpx.AsyncClient, database: Database) -> None:
    phone = await Phone(api).enrol(await add_person(database))
    for query in ("as_of=%ff", "%ff=1", "as_of=%ed%a0%80", "a=1&" * 60):
        answer = await phone.get(f"/v1/cards?{query}")
        assert (answer.status_code, answer.json()["code"]) == (400, "request_invalid"), query
