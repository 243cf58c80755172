"""The agency's core system, as far as the story needs it: signs events and sends them to the feed."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from hashlib import sha256
from hmac import digest
from typing import Any
from uuid import uuid4

import httpx


class Core:
    """`feed` is a client whose base URL is the feed's; `secret` is one of SEPAKAT_FEED_SECRETS (`whsec_…`)."""

    def __init__(self, feed: httpx.AsyncClient, secret: str) -> None:
        self.feed = feed
        self.key = b64decode(secret.removeprefix("whsec_"))

    async def send(self, *events: dict[str, Any]) -> list[dict[str, Any]]:
        """One batch; returns the result of each event. Raises AssertionError when the batch is refused."""
        results: list[dict[str, Any]] = (await self.ask("/feed/v1/events", {"events": events}))["results"]
        return results

    async def ask(self, path: str, question: dict[str, Any]) -> dict[str, Any]:
        """Signed; the answer. Raises AssertionError when it is refused."""
        body = json.dumps(question).encode()
        answer = await self.feed.post(path, content=body, headers=self.sign(body))
        if answer.status_code != 200:
            raise AssertionError(f"the feed answered {answer.status_code} {answer.text}")
        answered: dict[str, Any] = answer.json()
        return answered

    def sign(self, body: bytes) -> dict[str, str]:
        """The headers of Standard Webhooks over these bytes."""
        message_id, timestamp = f"msg_{uuid4().hex}", str(int(datetime.now(UTC).timestamp()))
        signed = f"{message_id}.{timestamp}.".encode() + body
        return {
            "content-type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": "v1," + b64encode(digest(self.key, signed, sha256)).decode(),
        }


def event(kind: str, data: dict[str, Any], *, occurred_at: str | None = None) -> dict[str, Any]:
    """An event without streams: applied at once. `occurred_at` defaults to now, RFC 3339."""
    return {
        "id": f"evt_{uuid4().hex}",
        "type": kind,
        "occurred_at": occurred_at or datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        "data": data,
    }


def propose_merge(absorb: list[str], into: str, reason: str) -> dict[str, Any]:
    """The agency proposes; nothing else happens until the participant agrees."""
    return event("merge.proposed", {"absorb": absorb, "into": into, "reason": reason})


def post_contribution(kpj: str, employer_id: str, month: str, amount: int, paid_on: str) -> dict[str, Any]:
    """`month` is YYYY-MM, `amount` whole rupiah."""
    data = {"kpj": kpj, "employer_id": employer_id, "month": month, "amount": amount, "paid_on": paid_on}
    return event("contribution.posted", data)


def report_merge(absorbed: str, into: str, merged_on: str, balances: dict[str, int]) -> dict[str, Any]:
    """A merge that the core did on its own, told afterwards."""
    return event("card.merged", {"absorbed": absorbed, "into": into, "merged_on": merged_on, "balances": balances})


def acknowledge_merge(merge_id: str, reason: str) -> dict[str, Any]:
    """The core carried out what was agreed here."""
    return event("merge.acknowledged", {"merge_id": merge_id, "reason": reason})


def refuse_merge(merge_id: str, reason: str) -> dict[str, Any]:
    """The core will not carry it out; the participant reads the reason."""
    return event("merge.refused", {"merge_id": merge_id, "reason": reason})


def report_balance(kpj: str, as_of: str, balance: int, status: str) -> dict[str, Any]:
    """The core's own book: whole rupiah at the end of day `as_of`, YYYY-MM-DD."""
    return event("balance.reported", {"kpj": kpj, "as_of": as_of, "balance": balance, "status": status})


def reverse_contribution(kpj: str, event_id: str, reason: str) -> dict[str, Any]:
    """A contribution is taken back, by the id of the event that posted it."""
    return event("contribution.reversed", {"kpj": kpj, "event_id": event_id, "reason": reason})


def decide_case(
    case_id: str, decision: str, reason: str, staff: str, second_staff: str | None = None
) -> dict[str, Any]:
    """The agency's answer to a dispute: `restored` (by two people) or `accepted`."""
    data = {"case_id": case_id, "decision": decision, "reason": reason, "staff": staff, "second_staff": second_staff}
    return event("case.decided", data)


def publish_announcement(
    audience: dict[str, Any], title: dict[str, str], body: dict[str, str], severity: str, **more: Any
) -> dict[str, Any]:
    """An official explanation, in Indonesian and in English; `more`: explains, replaces, staff, second_staff."""
    told = {"audience": audience, "title": title, "body": body, "severity": severity}
    return event("announcement.published", told | more)


def issue_branch_code(nik: str, code_sha256: str, expires_at: datetime, branch: str) -> dict[str, Any]:
    """Staff saw the person and handed out a code, of which the core sends the hash (docs/identity.md)."""
    data = {"nik": nik, "code_sha256": code_sha256, "expires_at": expires_at.isoformat(), "branch": branch}
    return event("branch_code.issued", data)
