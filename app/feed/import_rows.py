"""The rows of the import files as structs: one struct for each file, its fields the file's columns. Pure."""

from __future__ import annotations

from datetime import date

import msgspec


class Refusal(msgspec.Struct, frozen=True):
    """Why a row is not loaded. `line` 1 is the header in CSV, the first row in Parquet; no `field`: the whole row."""

    file: str
    line: int
    field: str
    reason: str


class EmployerRow(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """employers"""

    line: int
    employer_id: str
    name: str


class ParticipantRow(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """participants; phone in E.164."""

    line: int
    nik: str
    name: str
    birth_date: date
    phone: str | None = None
    phone_since: date | None = None
    email: str | None = None
    locale: str = "id"
    time_zone: str = "Asia/Jakarta"


class CardRow(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """cards; `status` is the core's lifecycle value."""

    line: int
    kpj: str
    nik: str
    employer_id: str | None = None
    segment: str
    programmes: tuple[str, ...]
    opened_on: date
    closed_on: date | None = None
    status: str


class OpeningRow(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """opening_balances: whole rupiah on the card at the beginning of `effective_on`."""

    line: int
    kpj: str
    effective_on: date
    amount: int


class ContributionRow(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """contributions: JHT share of one month's contribution, whole rupiah; month is YYYY-MM."""

    line: int
    event_id: str
    kpj: str
    employer_id: str | None = None
    month: str
    amount: int
    paid_on: date


class GrowthRow(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """growth: the year's growth credit, whole rupiah, booked on 31 December."""

    line: int
    event_id: str
    kpj: str
    year: int
    amount: int

    @property
    def effective_on(self) -> date:
        """The day on which the credit counts."""
        return date(self.year, 12, 31)


class ClaimRow(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """claims; amounts in whole rupiah, positive."""

    line: int
    claim_id: str
    kpj: str
    kind: str
    amount: int
    state: str
    opened_on: date
    paid_on: date | None = None


class MergeRow(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """merges: a merge that the core did; balances in whole rupiah on the day before."""

    line: int
    absorbed: str
    into: str
    merged_on: date
    balance_absorbed: int
    balance_into: int


class DeathRow(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """deaths"""

    line: int
    nik: str
    on: date


Row = EmployerRow | ParticipantRow | CardRow | OpeningRow | ContributionRow | GrowthRow | ClaimRow | MergeRow | DeathRow

FILES: dict[str, type[Row]] = {
    "employers": EmployerRow,
    "participants": ParticipantRow,
    "cards": CardRow,
    "opening_balances": OpeningRow,
    "contributions": ContributionRow,
    "growth": GrowthRow,
    "claims": ClaimRow,
    "merges": MergeRow,
    "deaths": DeathRow,
}
REQUIRED_FILES = ("employers", "participants", "cards")
FILE_OF = {struct: file for file, struct in FILES.items()}
