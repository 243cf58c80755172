"""Whose is which rupiah on a survivor, when a merge is undone: split along the lineage of every entry. Pure.

A lineage is a card of the merge together with the cards that had been merged into it before. The rules, tried in this
order; each split names the one that it followed:

`brought`       what the card gave at the execution goes back to it.
`received_for`  money paid for a number of a lineage goes to that lineage, whoever paid, contribution or growth.
`employer`      a contribution that names no number goes to the lineage whose employer paid it, when that is one only.
                A contribution that is taken back follows the contribution; one from before the merge, the number that it was
                paid for.
`day_balance`   growth that names no number is shared by day-balance: the sum over the days from the execution, or from
                the day of the growth before, up to the day before this growth's own, of the balance at the end of the day
                that each lineage would have had. Each share is rounded down to a rupiah, and the rupiahs left over go one
                each to the largest remainders; of equal remainders to the lower card number first.
`stays`         everything else, growth of the time before the merge included, stays with the survivor.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from uuid import UUID

import msgspec


class Entry(msgspec.Struct, frozen=True):
    """An entry on the survivor since the execution, or what an undone later merge left of it: whole rupiah, not 0."""

    entry_id: UUID
    kind: str
    amount: int
    effective_on: date
    employer_id: str | None
    month: date | None
    received_for_kpj: str | None
    reverses: UUID | None = None
    """The contribution that this entry takes back, where the core named it."""


class Lineage(msgspec.Struct, frozen=True):
    """A card of the merge: every number whose money it held, its own included, and the employers of those cards."""

    kpj: str
    numbers: frozenset[str]
    employers: frozenset[str]


class Split(msgspec.Struct, frozen=True):
    """That `amount` of an entry goes to card `to_kpj`, and by which rule. Negative only for a reversed contribution."""

    entry_id: UUID
    to_kpj: str
    amount: int
    rule: str


def split(
    entries: Iterable[Entry], absorbed: Sequence[Lineage], survivor: Lineage, *, held: int, executed_on: date
) -> list[Split]:
    """Splits every entry; the splits of one sum to its amount. `held`: the survivor's own rupiah before the merge.

    The order in which entries are given does not matter, but for the order of the answer.
    """
    entries = list(entries)
    lineages = [*absorbed, survivor]
    follows = {entry.entry_id: _follow(entry, lineages, survivor, executed_on) for entry in entries}
    follows |= {entry.entry_id: follows[entry.reverses] for entry in entries if entry.reverses in follows}
    money = [
        _Money(survivor.kpj, held, executed_on),
        *(
            _Money(found[0], entry.amount, entry.effective_on)
            for entry in entries
            if (found := follows[entry.entry_id]) is not None
        ),
    ]
    shared = [entry for entry in entries if follows[entry.entry_id] is None]
    shares = _share_growth(shared, money, [lineage.kpj for lineage in lineages], survivor.kpj, executed_on)
    splits = []
    for entry in entries:
        found = follows[entry.entry_id]
        splits += [Split(entry.entry_id, found[0], entry.amount, found[1])] if found else shares[entry.entry_id]
    return splits


def money_left(entries: Iterable[Entry]) -> list[Entry]:
    """What took money off the survivor since the execution, for good: all but reversals of contributions since then."""
    entries = list(entries)
    reversible = Counter(_paid(entry, entry.amount) for entry in entries if entry.kind == "contribution")
    found = []
    for entry in entries:
        if entry.amount >= 0:
            continue
        if entry.reverses is not None:
            continue  # whose it is stands fast, however long ago it was paid
        paid = _paid(entry, -entry.amount)
        if entry.kind == "contribution_reversal" and reversible[paid] > 0:
            reversible[paid] -= 1
        else:
            found.append(entry)
    return found


class _Money(msgspec.Struct, frozen=True):
    """An amount in a lineage from a day on."""

    kpj: str
    amount: int
    since: date


def _paid(entry: Entry, amount: int) -> tuple[str | None, str | None, date | None, int]:
    return entry.received_for_kpj, entry.employer_id, entry.month, amount


def _follow(entry: Entry, lineages: Sequence[Lineage], survivor: Lineage, executed_on: date) -> tuple[str, str] | None:
    """To which card an entry goes whole, and by which rule; None for growth that is shared."""
    for lineage in lineages:
        if entry.received_for_kpj in lineage.numbers:
            if lineage is survivor:
                return survivor.kpj, "stays"
            return lineage.kpj, "brought" if entry.kind == "merge_in" else "received_for"
    if entry.reverses is not None:
        return survivor.kpj, "stays"
    if entry.kind == "growth":
        return (survivor.kpj, "stays") if entry.effective_on <= executed_on else None
    if entry.kind in ("contribution", "contribution_reversal"):
        payers = [lineage for lineage in lineages if entry.employer_id in lineage.employers]
        if len(payers) == 1 and payers[0] is not survivor:
            return payers[0].kpj, "employer"
    return survivor.kpj, "stays"


def _share_growth(
    shared: Sequence[Entry], money: Sequence[_Money], kpjs: Sequence[str], survivor: str, executed_on: date
) -> dict[UUID, list[Split]]:
    """The shares of each growth. What one growth gave a lineage counts for it in the next."""
    shares: dict[UUID, list[Split]] = {}
    by_day: dict[date, list[Entry]] = defaultdict(list)
    for entry in shared:
        by_day[entry.effective_on].append(entry)
    grown, since = list(money), executed_on
    for day in sorted(by_day):
        weights = {kpj: _day_balance(grown, kpj, since, day) for kpj in kpjs}
        for entry in by_day[day]:
            parts = _apportion(entry.amount, weights)
            shares[entry.entry_id] = [
                Split(entry.entry_id, kpj, amount, "day_balance") for kpj, amount in parts.items() if amount
            ] or [Split(entry.entry_id, survivor, entry.amount, "stays")]
            grown += [_Money(part.to_kpj, part.amount, day) for part in shares[entry.entry_id]]
        since = day
    return shares


def _day_balance(money: Iterable[_Money], kpj: str, since: date, until: date) -> int:
    """Rupiah times days from `since` up to the day before `until`; never negative."""
    return max(
        0,
        sum(
            item.amount * (until - max(item.since, since)).days
            for item in money
            if item.kpj == kpj and item.since < until
        ),
    )


def _apportion(amount: int, weights: dict[str, int]) -> dict[str, int]:
    """Shares that sum to `amount`, by largest remainder, ties by number; none when nothing has any weight."""
    total = sum(weights.values())
    if total == 0:
        return {}
    parts = {kpj: amount * weight // total for kpj, weight in weights.items()}
    by_remainder = sorted(weights, key=lambda kpj: (-(amount * weights[kpj] % total), kpj))
    for kpj in by_remainder[: amount - sum(parts.values())]:
        parts[kpj] += 1
    return parts
