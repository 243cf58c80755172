"""What may be merged, and what a merge would mean. Pure: one judgement for options, plan, confirmation and execution."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from uuid import UUID

import msgspec

ACTIVE = ("active", "arrears", "pending")


class Card(msgspec.Struct, frozen=True):
    """What the rules look at. `balance` is whole rupiah, None without JHT; `lifecycle` is what the core says."""

    card_id: UUID
    kpj: str
    status: str
    lifecycle: str
    balance: int | None
    opened_on: date
    locked: bool
    frozen: bool
    claim_id: str | None
    open_merge_id: UUID | None
    partial_claims: int
    deceased: bool


class Judgement(msgspec.Struct, frozen=True):
    """`reasons` say why not (all of them at once; empty means allowed), `consequences` what it would mean."""

    reasons: list[str]
    consequences: list[str]
    to_acknowledge: list[str]


class Rule(msgspec.Struct, frozen=True):
    """A figure of the law or the scheme, in force from `effective_from` to `effective_to` (both included)."""

    code: str
    figure: int
    effective_from: date
    effective_to: date | None
    source: str


@cache
def rules() -> list[Rule]:
    """All figures, past ones included."""
    return msgspec.json.decode((Path(__file__).parent / "rules.json").read_bytes(), type=list[Rule])


def figure(code: str, day: date) -> int:
    """The figure in force on `day`. Raises LookupError when none was."""
    for rule in rules():
        if rule.code == code and rule.effective_from <= day <= (rule.effective_to or date.max):
            return rule.figure
    raise LookupError(f"no rule {code} on {day}")


def judge(absorb: Sequence[Card], into: Card, *, day: date, ours: UUID | None = None) -> Judgement:
    """Judges the merge of `absorb` into `into` on `day`. `ours`, the merge being judged, does not block itself."""
    consequences = sorted(_consequences(absorb, into, day))
    return Judgement(
        reasons=sorted(_reasons([*absorb, into], ours)),
        consequences=consequences,
        to_acknowledge=[code for code in consequences if severity(code) == "warning"],
    )


def _reasons(cards: Iterable[Card], ours: UUID | None) -> set[str]:
    found = set()
    for card in cards:
        checks = {
            "participant_deceased": card.deceased,
            "card_merged_already": card.status == "merged",
            "card_in_reported_merge": card.status == "merged_without_consent",
            "card_without_jht": card.balance is None,
            "claim_pending": card.claim_id is not None,
            "card_frozen": card.frozen,
            "card_locked": card.locked,
            "merge_already_open": card.open_merge_id not in (None, ours)
            and card.status not in ("merged", "merged_without_consent"),
        }
        found |= {code for code, holds in checks.items() if holds}
    return found


def _consequences(absorb: Sequence[Card], into: Card, day: date) -> set[str]:
    cards = [*absorb, into]
    balances = [card.balance or 0 for card in cards]
    total, cap = sum(balances), figure("app_claim_cap", day)
    checks = {
        "late_contributions_follow": True,
        "app_claim_cap_crossed": total > cap and any(0 < balance <= cap for balance in balances),
        "tax_number_needed": total > figure("tax_number_line", day) >= max(balances),
        "survivor_inactive": into.lifecycle not in ACTIVE and any(card.lifecycle in ACTIVE for card in absorb),
        "both_active": sum(card.lifecycle in ACTIVE for card in cards) > 1,
        "partial_claim_used": 0 < sum(card.partial_claims > 0 for card in cards) < len(cards),
    }
    return {code for code, holds in checks.items() if holds}


Suggestion = tuple[list[Card], Card, str]
"""Which cards to absorb (by number), into which, and the code that says why."""


def recommended(cards: Sequence[Card], *, day: date) -> Suggestion | None:
    """The one set that is suggested: every idle card into the active one, else into the newest. None when nothing is.

    Several active cards are legal and stay apart.
    """
    free = [card for card in cards if not _reasons([card], None)]
    if not free:
        return None
    newest_first = sorted(free, key=lambda card: (card.opened_on, card.kpj), reverse=True)
    active = [card for card in newest_first if card.lifecycle in ACTIVE]
    into = active[0] if active else newest_first[0]
    absorb = sorted((card for card in free if card is not into and card not in active), key=lambda card: card.kpj)
    if not absorb or judge(absorb, into, day=day).reasons:
        return None
    return absorb, into, "survivor_is_the_active_card" if active else "survivor_is_the_newest_card"


class Words(msgspec.Struct, frozen=True):
    """One code in both languages. `severity`: info, warning (must be acknowledged) or refused (a reason why not)."""

    severity: str
    id: str
    en: str


WORDING = "2026-11"


@cache
def wording(version: str) -> dict[str, Words]:
    """The texts of a wording version; old versions stay, so that what was shown can be shown again."""
    file = Path(__file__).parent / "wording" / f"{version}.json"
    return msgspec.json.decode(file.read_bytes(), type=dict[str, Words])


def severity(code: str) -> str:
    """Of the wording in use now."""
    return wording(WORDING)[code].severity


def text(code: str, locale: str, day: date, version: str = WORDING) -> str:
    """What a code says in `locale` (id, en), with the figures in force on `day` as Rp1.234.567."""
    words = wording(version)[code]
    figures = {
        rule.code: f"Rp{figure(rule.code, day):,}".replace(",", ".") for rule in rules() if rule.effective_from <= day
    }
    return (words.en if locale == "en" else words.id).format_map(figures)
