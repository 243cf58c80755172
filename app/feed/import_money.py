"""What the rows of one participant's cards come to in the ledger, and where they contradict each other. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import msgspec

from app.feed.import_people import Holding, Person
from app.feed.import_rows import ClaimRow, ContributionRow, GrowthRow, OpeningRow, Row

OPEN_LIFECYCLES = ("pending", "active", "arrears")
SELF_EMPLOYED_SEGMENTS = ("BPU", "PMI")

Contradiction = tuple[Row, str, str]


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One ledger entry of a card: whole rupiah, positive into the card; `row` is where it comes from."""

    kind: str
    amount: int
    effective_on: date
    row: OpeningRow | ContributionRow | GrowthRow | ClaimRow


def entries_of(holding: Holding) -> list[Entry]:
    """The card's ledger entries, oldest first; the opening balance is the first of its day.

    A claim paid before the day of the opening balance gives no entry: that balance is without it already.
    """
    opening = holding.opening
    entries = [Entry("contribution", row.amount, row.paid_on, row) for row in holding.contributions]
    entries += [Entry("growth", row.amount, row.effective_on, row) for row in holding.growth]
    entries += [
        Entry("claim_payment", -row.amount, row.paid_on, row)
        for row in holding.claims
        if row.paid_on is not None and (opening is None or row.paid_on >= opening.effective_on)
    ]
    entries.sort(key=lambda entry: (entry.effective_on, entry.row.line))
    if opening is not None:
        entries.insert(0, Entry("opening", opening.amount, opening.effective_on, opening))
    return entries


def contradictions(person: Person) -> Iterator[Contradiction]:
    """Everything that cannot be true together: the row, its field and the reason."""
    for holding in person.holdings:
        yield from _contradictions_of_state(holding)
        yield from _contradictions_of_claims(holding)
        yield from _contradictions_of_money(holding)
    yield from _contradictions_of_merges(person)
    participant, death = person.participant, person.death
    if (participant.phone is None) != (participant.phone_since is None):
        yield participant, "phone_since", "goes with phone: fill both or neither"
    if death is not None and death.on < participant.birth_date:
        yield death, "on", "lies before the birth date"


def _contradictions_of_state(holding: Holding) -> Iterator[Contradiction]:
    card = holding.card
    if card.closed_on is not None and card.closed_on < card.opened_on:
        yield card, "closed_on", "lies before opened_on"
    if card.closed_on is not None and card.status in OPEN_LIFECYCLES:
        yield card, "closed_on", f"a card that is {card.status} is not closed: leave it empty"
    if card.employer_id is None and card.segment not in SELF_EMPLOYED_SEGMENTS:
        yield card, "employer_id", f"is empty; only {' and '.join(SELF_EMPLOYED_SEGMENTS)} cards have no employer"


def _contradictions_of_claims(holding: Holding) -> Iterator[Contradiction]:
    open_claims = [claim for claim in holding.claims if claim.state == "open"]
    for claim in open_claims[1:]:
        yield claim, "state", f"the card has an open claim already, on line {open_claims[0].line}"
    for claim in holding.claims:
        if (claim.paid_on is not None) != (claim.state == "paid"):
            yield claim, "paid_on", "is filled for a claim that is paid, and for no other"
        elif claim.paid_on is not None and claim.paid_on < claim.opened_on:
            yield claim, "paid_on", "lies before opened_on"


def _contradictions_of_money(holding: Holding) -> Iterator[Contradiction]:
    entries = entries_of(holding)
    if "JHT" not in holding.card.programmes:
        for row in [entry.row for entry in entries] or holding.claims[:1]:
            yield row, "kpj", "the card has no JHT, so it holds no money"
        return
    yield from _contradictions_of_growth(holding)
    opening, balance = holding.opening, 0
    for entry in entries:
        if opening is not None and entry.effective_on < opening.effective_on:
            field = "year" if isinstance(entry.row, GrowthRow) else "paid_on"
            yield entry.row, field, f"is older than the opening balance (line {opening.line}), which holds it already"
        balance += entry.amount
        if balance < 0:
            yield entry.row, "amount", f"takes the card's balance below zero, to {balance}"
            return


def _contradictions_of_growth(holding: Holding) -> Iterator[Contradiction]:
    credited: dict[int, int] = {}
    for row in holding.growth:
        first = credited.setdefault(row.year, row.line)
        if first != row.line:
            yield row, "year", f"is credited on this card already, on line {first}"


def _contradictions_of_merges(person: Person) -> Iterator[Contradiction]:
    absorbed: dict[str, int] = {}
    for merge in person.merges:
        if merge.absorbed == merge.into:
            yield merge, "into", "is the absorbed card itself"
        first = absorbed.setdefault(merge.absorbed, merge.line)
        if first != merge.line:
            yield merge, "absorbed", f"repeats line {first}"
    for merge in person.merges:
        if merge.into in absorbed and merge.into != merge.absorbed:
            yield merge, "into", f"was absorbed itself (line {absorbed[merge.into]}): name the card that lives today"
