"""One card, one participant and one folder as the import sees them. Pure."""

from __future__ import annotations

from collections import Counter

import msgspec

from app.feed.import_rows import (
    CardRow,
    ClaimRow,
    ContributionRow,
    DeathRow,
    EmployerRow,
    GrowthRow,
    MergeRow,
    OpeningRow,
    ParticipantRow,
    Refusal,
)


class Holding(msgspec.Struct):
    """One card with everything that the files say of it."""

    card: CardRow
    opening: OpeningRow | None = None
    contributions: list[ContributionRow] = []
    growth: list[GrowthRow] = []
    claims: list[ClaimRow] = []


class Person(msgspec.Struct):
    """One participant with cards in the order of the file, reported merges and, if so, the day of death."""

    participant: ParticipantRow
    holdings: list[Holding] = []
    merges: list[MergeRow] = []
    death: DeathRow | None = None


class Folder(msgspec.Struct):
    """What a folder holds once read: whom to load, and all that was refused, in the order found.

    `rows` counts the rows of each file, refused ones included; `left_out` the participants not loaded;
    `unowned` the refused rows of which nobody can say whose they are; `unlike_nik` the participants whose
    birth date differs from the one in their NIK, which is no reason to refuse.
    """

    employers: list[EmployerRow]
    people: list[Person]
    refusals: list[Refusal]
    rows: Counter[str]
    left_out: int
    unowned: int
    unlike_nik: int
