"""The plan of a merge: exactly what it will do, as canonical bytes whose digest the participant signs. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

import msgspec
import rfc8785

from app.merges.merge import WORDING, Card, Judgement


class PlannedCard(msgspec.Struct, frozen=True):
    """Balances are whole rupiah."""

    kpj: str
    role: str
    status_before: str
    status_after: str
    balance_before: int
    balance_after: int


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Field for field what is digested (RFC 8785, SHA-256). Durations are seconds."""

    version: int
    action: str
    merge_id: UUID
    cards: list[PlannedCard]
    total_before: int
    total_after: int
    consequences: list[str]
    to_acknowledge: list[str]
    cooling_off_s: int
    undo_window_s: int
    wording: str


class Difference(msgspec.Struct, frozen=True):
    """One thing that is not as it was shown: `kpj` is null for what concerns the whole plan."""

    kpj: str | None
    field: str
    before: Any
    after: Any


def make_plan(
    merge_id: UUID, absorb: Sequence[Card], into: Card, judgement: Judgement, *, cooling_off_s: int, undo_window_s: int
) -> Plan:
    """The plan for cards as they stand now. A card without JHT counts as 0; the judgement refuses it, not this."""
    total = sum(card.balance or 0 for card in (*absorb, into))
    cards = [PlannedCard(card.kpj, "absorbed", card.status, "merged", card.balance or 0, 0) for card in absorb] + [
        PlannedCard(into.kpj, "survivor", into.status, into.status, into.balance or 0, total)
    ]
    return Plan(
        version=1,
        action="merge",
        merge_id=merge_id,
        cards=sorted(cards, key=lambda card: card.kpj),
        total_before=total,
        total_after=total,
        consequences=judgement.consequences,
        to_acknowledge=judgement.to_acknowledge,
        cooling_off_s=cooling_off_s,
        undo_window_s=undo_window_s,
        wording=WORDING,
    )


def canonical(plan: Plan) -> bytes:
    """The RFC 8785 form: what is stored, digested and signed."""
    return rfc8785.dumps(cast("dict[str, Any]", msgspec.to_builtins(plan)))


def digest(canonical_plan: bytes) -> str:
    """Lowercase hex SHA-256."""
    return hashlib.sha256(canonical_plan).hexdigest()


def read(canonical_plan: bytes) -> Plan:
    """The plan that was stored."""
    return msgspec.json.decode(canonical_plan, type=Plan)


def differences(shown: Plan, now: Plan) -> list[Difference]:
    """Everything in which two plans of one merge differ, cards by number first."""
    before, after = ({card.kpj: card for card in plan.cards} for plan in (shown, now))
    found = [
        Difference(kpj, field, getattr(before.get(kpj), field, None), getattr(after.get(kpj), field, None))
        for kpj in sorted(before.keys() | after.keys())
        for field in ("role", "status_before", "balance_before", "status_after", "balance_after")
        if getattr(before.get(kpj), field, None) != getattr(after.get(kpj), field, None)
    ]
    found += [
        Difference(None, field, getattr(shown, field), getattr(now, field))
        for field in ("total_before", "total_after", "consequences", "to_acknowledge", "cooling_off_s", "undo_window_s")
        if getattr(shown, field) != getattr(now, field)
    ]
    return found
