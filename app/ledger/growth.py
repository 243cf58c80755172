"""The yearly growth of a card's savings (hasil pengembangan): each day's balance earns that day's part of the rate. Pure.

    growth of a year = sum over its days of  balance(day) · rate(day) / days of the year, rounded down to a rupiah

once, at the end. Until then all is exact, in **parts**: a rupiah is 10^6 · days of the year of them, so that one rupiah
earns as many parts in a day as the rate has millionths. docs/growth.md tells the rule with an example, and the SQL function
`growth_of` follows it for thousands of participants at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from itertools import accumulate, pairwise

import msgspec

MILLION = 1_000_000
LEAVING = frozenset({"merge_out", "undo_out", "transfer_out"})
"""With these the money leaves its card, and with it what is effective on a later day."""


class Rate(msgspec.Struct, frozen=True):
    """What savings earn in a year, in millionths (56,600 is 5.66 %), from a day until the next rate's."""

    valid_from: date
    millionths: int


class Entry(msgspec.Struct, frozen=True):
    """An entry of a ledger; `amount` is whole rupiah with its sign."""

    kind: str
    amount: int
    effective_on: date


class RateMissing(ValueError):
    """A day of the year has no rate."""


def days_of(year: int) -> int:
    """365 or 366."""
    return (date(year + 1, 1, 1) - date(year, 1, 1)).days


def weights(rates: Iterable[Rate], year: int) -> list[int]:
    """The parts that one rupiah has earned by the beginning of the year's first, second … day, and by its end.

    One more than the year has days; the first is 0. Raises RateMissing where the rates begin later than the year.
    """
    rates = sorted(rates, key=lambda rate: rate.valid_from)
    first = date(year, 1, 1)
    if not rates or rates[0].valid_from > first:
        raise RateMissing(f"no rate is valid on {first}: set one that begins on that day or before")
    days = (first + timedelta(days=passed) for passed in range(days_of(year)))
    daily = ([rate.millionths for rate in rates if rate.valid_from <= day][-1] for day in days)
    return [0, *accumulate(daily)]


def earned_parts(ledgers: Iterable[Sequence[Entry]], weighed: Sequence[int], year: int) -> int:
    """What a card earned in the year, exactly. `weighed` is `weights(rates, year)`.

    `ledgers`: the card's entries in the order of their numbers; several where it was transferred from somebody else.
    """
    first, days = date(year, 1, 1), days_of(year)
    moved: Counter[int] = Counter({0: 0, days: 0})
    for ledger in ledgers:
        for entry, counts_from in zip(ledger, _counts_from(ledger), strict=True):
            moved[min(max((counts_from - first).days, 0), days)] += entry.amount
    parts = balance = 0
    for day, until in pairwise(sorted(moved)):
        balance += moved[day]
        parts += max(balance, 0) * (weighed[until] - weighed[day])
    return parts


def whole_rupiah(parts: int, year: int) -> int:
    """Rounded down: nobody is credited a rupiah that was not earned, and money earns no less for being on one card."""
    return parts // (MILLION * days_of(year))


def _counts_from(ledger: Sequence[Entry]) -> list[date]:
    """From which day on each entry is in the balance that earns.

    From its own, its money included; growth from the day after, for it is the yield of the day on which it is booked. What
    would count from later than the day on which it left the card again counts from that day: no card ever held less than nothing.
    """
    found: list[date] = []
    left = date.max
    for entry in reversed(ledger):
        if entry.kind in LEAVING:
            left = min(left, entry.effective_on)
        found.append(min(entry.effective_on + timedelta(days=entry.kind == "growth"), left))
    return found[::-1]
