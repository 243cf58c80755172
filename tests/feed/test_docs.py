"""docs/feed.md names every type and every code, and its example works as printed."""

from __future__ import annotations

import io
import json
import re
import urllib.request
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.feed.apply import TYPES
from app.feed.rejection import REJECTIONS
from tests.conftest import FEED_SECRET
from tests.feed.conftest import Core

PAGE = (Path(__file__).parents[2] / "docs" / "feed.md").read_text(encoding="utf-8")


TOLD = {
    "merge.confirmed",
    "merge.due",
    "merge.delayed",
    "merge.unconfirmed",
    "merge.cancelled",
    "merge.executed",
    "merge.undone",
    "merge.accepted",
    "dispute.opened",
    "contact.changed",
}


def test_every_type_and_every_code_is_explained() -> None:
    rows = set(re.findall(r"^\| `([a-z_.]+)` \|", PAGE, re.MULTILINE))
    assert rows >= TYPES.keys() | REJECTIONS.keys()
    outcomes = {"applied", "duplicate", "held", "rejected", "quarantined"}
    members = {"id", "type", "occurred_at", "streams", "data"}
    assert rows == TYPES.keys() | REJECTIONS.keys() | outcomes | members | TOLD


async def test_every_event_that_the_core_may_be_told_is_explained(core: Core) -> None:
    (trigger,) = await core.ask("SELECT pg_get_triggerdef(oid) AS text FROM pg_trigger WHERE tgname = 'core_is_told'")
    kinds = set(re.findall(r"'(\w+)'::text", trigger["text"]))
    unconfirmed = dict.fromkeys(("merge_refused", "merge_not_reported"), "merge.unconfirmed")
    types = unconfirmed | {"merge_disputed": "dispute.opened"}
    assert {types.get(kind, kind.replace("_", ".")) for kind in kinds} == TOLD


async def test_the_example_works_as_printed(
    core: Core, feed: httpx.AsyncClient, card: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    sent: list[urllib.request.Request] = []

    def keep(request: urllib.request.Request) -> io.BytesIO:
        sent.append(request)
        return io.BytesIO(b'{"results": []}')

    monkeypatch.setattr(urllib.request, "urlopen", keep)
    names: dict[str, Any] = {"SECRET": FEED_SECRET, "URL": "http://feed"}
    exec(example.replace("99000000012", card).replace("contribution-000001", f"docs-{card}"), names)
    (request,) = sent
    assert isinstance(request.data, bytes)
    headers = {name.lower(): value for name, value in request.header_items()}
    answer = await feed.post("/feed/v1/events", content=request.data, headers=headers)
    assert answer.status_code == 200, answer.text
    assert json.loads(answer.content)["results"][0]["outcome"] == "applied"
    assert (await core.card(card))["balance"] == 9910352 + 319177
