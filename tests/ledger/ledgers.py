"""Random ledgers, and what they earn by the longest way there is: day by day, in fractions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from fractions import Fraction
from random import Random

from app.ledger.growth import Entry, Rate

COMES = ("contribution", "opening", "growth", "merge_in", "undo_in", "transfer_in")
GOES = ("contribution_reversal", "claim_payment", "merge_out", "undo_out", "transfer_out")


def earned_by_the_day(ledgers: Iterable[Sequence[Entry]], rates: Sequence[Rate], year: int) -> Fraction:
    """Rupiah, before any rounding."""
    ledgers = list(ledgers)
    first = date(year, 1, 1)
    days = 366 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 365
    sum_of_days = Fraction(0)
    for passed in range(days):
        day = first + timedelta(days=passed)
        balance = sum(_held(ledger, day) for ledger in ledgers)
        (rate,) = [
            rate.millionths
            for rate in rates
            if rate.valid_from <= day and not any(rate.valid_from < other.valid_from <= day for other in rates)
        ]
        if balance > 0:
            sum_of_days += Fraction(balance * rate, 1_000_000 * days)
    return sum_of_days


def rupiah_by_the_day(ledgers: Iterable[Sequence[Entry]], rates: Sequence[Rate], year: int) -> int:
    return math.floor(earned_by_the_day(ledgers, rates, year))


def _held(ledger: Sequence[Entry], day: date) -> int:
    """What of a ledger earns on a day."""
    held = 0
    for place, entry in enumerate(ledger):
        booked = entry.effective_on < day if entry.kind == "growth" else entry.effective_on <= day
        left = any(
            later.kind in ("merge_out", "undo_out", "transfer_out") and later.effective_on <= day
            for later in ledger[place:]
        )
        held += entry.amount if booked or left else 0
    return held


def random_ledger(random: Random, year: int, entries: int) -> list[Entry]:
    """Entries of every kind around a year, told in any order of their days. It may go below zero on some of them."""
    ledger = []
    for _ in range(entries):
        kind = random.choice(COMES if random.random() < 0.7 else GOES)
        amount = random.choice((0, 1, random.randrange(10**3), random.randrange(10**7), random.randrange(10**15)))
        around = random.choice((-400, -1, 0, 1, 59, 60, 364, 365, random.randrange(-30, 400)))
        day = date(year, 1, 1) + timedelta(days=around)
        ledger.append(Entry(kind, -amount if kind in GOES else amount, day))
    return ledger


def random_rates(random: Random, year: int) -> list[Rate]:
    """One that covers the year, and some that begin within it."""
    begins = {date(year - random.randrange(3), 1, 1)}
    begins |= {date(year, 1, 1) + timedelta(days=random.randrange(-9, 380)) for _ in range(random.randrange(4))}
    return [Rate(day, random.choice((0, 1, 56_600, random.randrange(10**6 + 1)))) for day in begins]
