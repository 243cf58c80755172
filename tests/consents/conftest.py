"""The search for cards that may be somebody's, and what a phone sees of its consents."""

from __future__ import annotations

from typing import Any

from tests.matches.conftest import find as find
from tests.people import Phone


async def read_consents(phone: Phone) -> dict[str, dict[str, Any]]:
    """The newest consent of each purpose."""
    answer = await phone.get("/v1/me/consents")
    assert answer.status_code == 200, answer.text
    return {consent["purpose"]: consent for consent in reversed(answer.json()["consents"])}
