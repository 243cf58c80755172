"""What may be merged, and what a merge would mean. Pure: one judgement for options, plan, confirmation and execution."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from uuid import UUID

import msgspec

from app.merges.rules import figure, figures
from app.platform.wording import Wordings

Pairs = frozenset[frozenset[UUID]]
"""Pairs of cards that are never suggested: sets of two card ids."""

HELD = frozenset({"balance_disputed", "core_refusal_open"})
"""Reasons of the participant and not of a card: nothing is planned while one of them holds."""

ACTIVE = ("active", "arrears", "pending")


class Card(msgspec.Struct, frozen=True):
    """What the rules look at. `balance` is whole rupiah, None without JHT; `lifecycle` is what the core says.

    `employer` is the name of who pays for the card, if anybody does. `balance_disputed` and `core_refusal_open` are of the
    participant, and so of every card: a case about that is open.
    """

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
    balance_disputed: bool = False
    core_refusal_open: bool = False
    closed_on: date | None = None
    programmes: tuple[str, ...] = ("JHT",)
    employer: str | None = None


class Judgement(msgspec.Struct, frozen=True):
    """`reasons` say why not (all of them at once; empty means allowed), `consequences` what it would mean."""

    reasons: list[str]
    consequences: list[str]
    to_acknowledge: list[str]


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
            "card_transferred_away": card.status == "transferred_away",
            "card_in_reported_merge": card.status == "merged_without_consent",
            "card_without_jht": card.balance is None,
            "claim_pending": card.claim_id is not None,
            "card_frozen": card.frozen,
            "card_locked": card.locked,
            "balance_disputed": card.balance_disputed,
            "core_refusal_open": card.core_refusal_open,
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
        "ten_year_membership_counts": _years(into.opened_on, day)
        < figure("membership_years", day)
        <= _years(min(card.opened_on for card in cards), day),
        "jp_months_stay": any("JP" in card.programmes for card in cards),
        "waiting_month": _waits(cards, day),
        "next_contributions_from": bool(name_employers(cards)),
    }
    return {code for code, holds in checks.items() if holds}


def _waits(cards: Sequence[Card], day: date) -> bool:
    """Who still has a job cannot claim in full at all, so that nothing waits."""
    if any(card.lifecycle in ACTIVE for card in cards):
        return False
    months = figure("waiting_months", day)
    return any(card.closed_on is not None and _months(card.closed_on, day) < months for card in cards)


def _months(since: date, day: date) -> int:
    """Whole months from one day to another."""
    return 12 * (day.year - since.year) + day.month - since.month - (day.day < since.day)


def _years(since: date, day: date) -> int:
    return _months(since, day) // 12


def name_employers(cards: Iterable[Card]) -> str | None:
    """Who pays the next contributions: the employers of the active cards. None when nobody does."""
    found = {card.employer for card in cards if card.lifecycle in ACTIVE and card.employer}
    return ", ".join(sorted(found)) or None


Suggestion = tuple[list[Card], Card, str]
"""Which cards to absorb (by number), into which, and the code that says why."""


def recommended(cards: Sequence[Card], *, day: date, never: Pairs = frozenset()) -> Suggestion | None:
    """The one set that is suggested: every idle card into the active one, else into the newest. None when nothing is.

    Several active cards are legal and stay apart. No two cards of a pair in `never` stand in it together.
    """
    free = [card for card in cards if not _reasons([card], None)]
    if not free:
        return None
    newest_first = sorted(free, key=lambda card: (card.opened_on, card.kpj), reverse=True)
    active = [card for card in newest_first if card.lifecycle in ACTIVE]
    into = active[0] if active else newest_first[0]
    absorb: list[Card] = []
    for card in sorted((card for card in free if card is not into and card not in active), key=lambda card: card.kpj):
        if not holds_pair([card, into, *absorb], never):
            absorb.append(card)
    if not absorb or judge(absorb, into, day=day).reasons:
        return None
    return absorb, into, "survivor_is_the_active_card" if active else "survivor_is_the_newest_card"


def holds_pair(cards: Iterable[Card], never: Pairs) -> bool:
    """Whether two of these cards are a pair that is never suggested."""
    ids = {card.card_id for card in cards}
    return any(pair <= ids for pair in never)


class Words(msgspec.Struct, frozen=True):
    """One code in both languages. `severity`: info, warning (must be acknowledged) or refused (a reason why not)."""

    severity: str
    id: str
    en: str


WORDINGS = Wordings(Path(__file__).parent / "wording", msgspec.json.Decoder(dict[str, Words]).decode)
WORDING = WORDINGS.newest()


def severity(code: str) -> str:
    """Of the wording in use now."""
    return WORDINGS.load(WORDING)[code].severity


UNNAMED = {"id": "pemberi kerja pada kartu yang aktif", "en": "the employer of the active card"}


def text(code: str, locale: str, day: date, version: str = WORDING, *, employer: str | None = None) -> str:
    """What a code says in `locale` (id, en), with the figures in force on `day`, amounts as Rp1.234.567.

    A plan keeps codes only: whoever reads one later gives no `employer`, and the text says whose it is instead.
    """
    words = WORDINGS.load(version)[code]
    named = employer or UNNAMED["en" if locale == "en" else "id"]
    return (words.en if locale == "en" else words.id).format_map({**figures(day), "employer": named})
