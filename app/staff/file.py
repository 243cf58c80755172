"""What a look gives: the parts of a case and of a participant, as staff read them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from app.notifications.wording import Cause, render
from app.platform.jobs import Doorbell
from app.platform.problems import speaks_english


class Card(msgspec.Struct, frozen=True):
    """`balance` in whole rupiah, null without JHT; `merged_into` is the number of the living card."""

    kpj: str
    status: str
    segment: str
    employer: str | None
    programmes: list[str]
    balance: int | None
    opened_on: date
    closed_on: date | None
    last_contribution_month: str | None
    last_contribution_amount: int | None
    merged_into: str | None
    locked: bool


class Merge(msgspec.Struct, frozen=True):
    """`consent`: confirmed, none_on_file (the core merged on its own), or null while nothing is agreed.

    `reported` is what the core told of such a merge: its day, and the balances on the day before.
    """

    id: UUID
    state: str
    core: str | None
    proposed_by: str
    reason: str | None
    absorb: list[str]
    into: str
    consent: str | None
    reported: dict[str, Any] | None
    proposed_at: datetime
    confirmed_at: datetime | None
    executed_at: datetime | None
    closed_at: datetime | None


class KnownEntry(msgspec.Struct, frozen=True):
    """A history entry as the database has it; `data` is JSON text."""

    seq: int
    kind: str
    wording: str
    data: str
    occurred_at: datetime
    origin: str
    actor: str
    reason: str | None


class Entry(msgspec.Struct, frozen=True):
    """A history entry in the words that the participant reads."""

    seq: int
    kind: str
    title: str
    body: str
    occurred_at: datetime
    origin: str


class Told(msgspec.Struct, frozen=True):
    """Somebody whose history grew by the look."""

    participant_id: UUID
    lane: int


def show_entries(known: Sequence[KnownEntry], accept_language: str) -> list[Entry]:
    """In the language that the request asks for: Indonesian unless it is English."""
    locale = "en" if speaks_english(accept_language) else "id"
    shown = []
    for entry in known:
        cause = Cause(entry.origin, entry.actor, entry.reason)
        text = render(entry.wording, entry.kind, msgspec.json.decode(entry.data), cause, locale)
        shown.append(Entry(entry.seq, entry.kind, text.title, text.body, entry.occurred_at, entry.origin))
    return shown


def ring(doorbell: Doorbell, told: Sequence[Told]) -> None:
    """Those who were looked at hear of it at once."""
    for somebody in told:
        doorbell.ring(somebody.participant_id, somebody.lane)
