"""Figures of the law and of the scheme, each with the days on which it is in force and where it comes from.

They are data (`rules.json`), listed with their sources in docs/rules.md. Pure.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec


class Rule(msgspec.Struct, frozen=True):
    """In force from `effective_from` to `effective_to`, both included.

    `source` names the text, with its article where it was found; `source_url` is where it was read; `checked` says what
    of it was read there, and what was not.
    """

    code: str
    figure: int
    unit: Literal["rupiah", "percent", "years", "months"]
    effective_from: date
    effective_to: date | None
    source: str
    source_url: str | None
    checked: str

    def __str__(self) -> str:
        return f"Rp{self.figure:,}".replace(",", ".") if self.unit == "rupiah" else str(self.figure)

    def holds(self, day: date) -> bool:
        """Whether it is in force on `day`."""
        return self.effective_from <= day <= (self.effective_to or date.max)


@cache
def rules() -> list[Rule]:
    """All of them, past ones included."""
    return msgspec.json.decode((Path(__file__).parent / "rules.json").read_bytes(), type=list[Rule])


def figure(code: str, day: date) -> int:
    """The figure in force on `day`. Raises LookupError when none was."""
    for rule in rules():
        if rule.code == code and rule.holds(day):
            return rule.figure
    raise LookupError(f"no rule {code} on {day}")


def figures(day: date) -> dict[str, str]:
    """All figures in force on `day`, as they are written for people: Rp15.000.000, 10."""
    return {rule.code: str(rule) for rule in rules() if rule.holds(day)}
