"""What tests of every noun read in the answers to a phone."""

from __future__ import annotations

from typing import Any

import httpx

from tests.people import Phone


def code(answer: httpx.Response) -> tuple[int, str]:
    """How it was refused."""
    return answer.status_code, answer.json()["code"]


def outcome(answer: httpx.Response) -> tuple[int, str]:
    """How it was refused, or that it was not."""
    return answer.status_code, answer.json().get("code", "done")


async def inbox(phone: Phone) -> list[dict[str, Any]]:
    """Entries, newest first."""
    entries: list[dict[str, Any]] = (await phone.get("/v1/inbox?limit=100")).json()["entries"]
    return entries


async def kinds(phone: Phone) -> list[str]:
    """Kinds of entries, newest first."""
    return [entry["kind"] for entry in await inbox(phone)]


async def balances(phone: Phone) -> dict[str, tuple[str, int | None]]:
    """Status and balance of each card, by number."""
    cards = (await phone.get("/v1/cards")).json()["cards"]
    return {card["kpj"]: (card["status"], card["balance"]) for card in cards}
