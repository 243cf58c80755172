"""A card as its owner sees it, and why it is in the state it is in. Pure."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import msgspec

from app.platform.wording import Wordings

Words = dict[str, dict[str, dict[str, str]]]
"""Texts by what they are about, code and locale."""

WORDINGS = Wordings(Path(__file__).parent / "wording", msgspec.json.Decoder(Words).decode)


class Row(Protocol):
    """A row of the database."""

    def __getitem__(self, column: str, /) -> Any: ...


class Employer(msgspec.Struct, frozen=True):
    id: str
    name: str


class LastContribution(msgspec.Struct, frozen=True):
    """`month` is YYYY-MM, `amount` whole rupiah."""

    month: str
    amount: int


class MergedInto(msgspec.Struct, frozen=True):
    """The living card, in one hop; `via` is the path of merges that led there."""

    card_id: UUID
    kpj: str
    merge_id: UUID
    merged_at: datetime
    via: list[UUID]


class Card(msgspec.Struct, frozen=True):
    """`balance` is whole rupiah of JHT savings, null for a card without JHT."""

    card_id: UUID
    kpj: str
    status: str
    segment: str
    employer: Employer | None
    programmes: list[str]
    balance: int | None
    opened_on: date
    closed_on: date | None
    last_contribution: LastContribution | None
    merged_into: MergedInto | None
    locked: bool


class Act(msgspec.Struct, frozen=True):
    code: str
    text: str


class Explanation(msgspec.Struct, frozen=True):
    """Why the card is in its state: who did it and when, and whether the owner's consent is on file (null: none needed)."""

    code: str
    text: str
    actor: str
    occurred_at: datetime | None
    consent: str | None
    merge_id: UUID | None
    what_you_can_do: list[Act]


def from_row(row: Row) -> Card:
    """A row of cards/overview or cards/show."""
    return Card(
        card_id=row["card_id"],
        kpj=row["kpj"],
        status=row["status"],
        segment=row["segment"],
        employer=Employer(row["employer_id"], row["employer_name"] or "") if row["employer_id"] else None,
        programmes=row["programmes"],
        balance=row["balance"],
        opened_on=row["opened_on"],
        closed_on=row["closed_on"],
        last_contribution=LastContribution(f"{row['last_contribution_month']:%Y-%m}", row["last_contribution_amount"])
        if row["last_contribution_month"]
        else None,
        merged_into=MergedInto(
            row["living_card_id"], row["living_kpj"], row["merge_id"], row["merged_at"], row["merged_via"]
        )
        if row["living_card_id"]
        else None,
        locked=row["locked"],
    )


def explain(row: Row, locale: str) -> Explanation:
    """Why a card of cards/show is in its state, in the words of `locale` (id, en)."""
    status = row["status"]
    merged = status in ("merged", "merged_without_consent")
    without_consent = status == "merged_without_consent"
    frozen_in_dispute = status == "frozen" and row["disputed_merge_id"] is not None
    said_as = "frozen_in_dispute" if frozen_in_dispute else status
    if status == "merged" and row["merge_core"] == "pending":
        said_as = "merged_unconfirmed"
    acts = {
        "merged": ["see_living_card", "see_merge"],
        "merged_without_consent": [
            "see_merge",
            "see_cases" if row["merge_state"] == "disputed" else "dispute_merge",
            "accept_merge",
        ],
        "frozen": ["see_cases", "see_merge"] if frozen_in_dispute else ["lift_the_freeze", "call_the_agency"],
        "claim_in_progress": ["wait_for_claim"],
        "transferred_away": ["call_the_agency", "see_statement"],
        "inactive": ["see_merge_options"],
    }.get(status, ["see_statement"])
    words = WORDINGS.load(WORDINGS.newest())
    return Explanation(
        code=f"card_{status}",
        text=words["explanations"][said_as][locale].format(living_kpj=row["living_kpj"]),
        actor="core" if without_consent else row["latest_origin"] or "core",
        occurred_at=row["merged_at"] if merged else row["latest_at"],
        consent=("none_on_file" if without_consent or not row["confirmed"] else "confirmed") if merged else None,
        merge_id=row["disputed_merge_id"] if frozen_in_dispute else row["merge_id"],
        what_you_can_do=[Act(code, words["acts"][code][locale]) for code in acts],
    )
