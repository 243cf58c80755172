"""What a result changes in the agency's own book: nothing but what Sepakat said that it applied."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.local.agency.world import Card, Person, Sent, World

Data = dict[str, Any]

SETTLED = {"nothing_changed", "merge_acknowledged", "merge_reversed", "case_opened", "report_outdated"}


def book(world: World, sent: Sent, outcome: str, code: str | None) -> None:
    """A duplicate was settled when it came first: its code says how."""
    kind, data = sent.event["type"], sent.event["data"]
    if outcome == "duplicate":
        outcome = "applied" if code is None or code in SETTLED or code.startswith("balance_") else "rejected"
        outcome = "rejected" if code == "balance_too_small" else outcome
    world.count(kind, outcome, code)
    if kind == "balance.reported":
        world.reports[data["kpj"]] = code or outcome
    if outcome == "applied" and kind in BOOKS and code != "nothing_changed":
        BOOKS[kind](world.people[sent.about["serial"]], data, sent.about | {"code": code})


def _open(person: Person, data: Data, _: Data) -> None:
    person.card(data["kpj"]).opened = True


def _set_status(person: Person, data: Data, _: Data) -> None:
    person.card(data["kpj"]).status = data["status"]


def _contribute(person: Person, data: Data, _: Data) -> None:
    person.card(data["kpj"]).money += data["amount"]


def _take_back(person: Person, data: Data, about: Data) -> None:
    person.card(data["kpj"]).money -= about["amount"]


def _open_claim(person: Person, data: Data, _: Data) -> None:
    person.card(data["kpj"]).claim = data["claim_id"]


def _withdraw_claim(person: Person, data: Data, _: Data) -> None:
    person.card(data["kpj"]).claim = None


def _pay_claim(person: Person, data: Data, _: Data) -> None:
    """The card itself first, then those that the core joined to it."""
    card, amount = person.card(data["kpj"]), data["amount"]
    card.claim = None
    for giving in joined(person, card.kpj):
        part = min(amount, person.here_balance(giving.kpj))
        giving.money -= part
        amount -= part
    if data["kind"] == "full":
        card.status = "claimed"


def _credit(person: Person, data: Data, _: Data) -> None:
    """By balance over what the core joined without consent; rupiah that are left over go to the largest remainders."""
    cards, amount = joined(person, data["kpj"]), data["amount"]
    balances = [person.here_balance(card.kpj) for card in cards]
    total = sum(balances)
    if total == 0:
        cards[0].money += amount
        return
    shares = [divmod(amount * balance, total) for balance in balances]
    left = amount - sum(share for share, _ in shares)
    largest = sorted(range(len(cards)), key=lambda place: (-shares[place][1], place))[:left]
    for place, card in enumerate(cards):
        card.money += shares[place][0] + (place in largest)


def _die(person: Person, _: Data, __: Data) -> None:
    person.died = True


def _ask(person: Person, _: Data, __: Data) -> None:
    person.asks = True


def _tell_merge(person: Person, data: Data, _: Data) -> None:
    card = person.card(data["absorbed"])
    card.told, card.silent = person.here_root(data["into"]), None
    person.asks = True


def _carry_out(person: Person, _: Data, about: Data) -> None:
    """The core does what was agreed: the merge, or its undo. Every other employer goes on paying for the old number."""
    for kpj in about["absorb"]:
        person.card(kpj).core = None if about["undone"] else about["into"]
    if person.at in about["absorb"] and not about["undone"] and person.serial % 2:
        person.at = about["into"]


def _refuse(person: Person, _: Data, about: Data) -> None:
    if about["code"] == "merge_reversed":
        for kpj in about["absorb"]:
            person.card(kpj).here = None


def _decide(person: Person, data: Data, about: Data) -> None:
    if data["decision"] == "restored":
        for kpj in about["absorb"]:
            person.card(kpj).told = person.card(kpj).core = None


BOOKS: dict[str, Callable[[Person, Data, Data], None]] = {
    "card.opened": _open,
    "card.status_changed": _set_status,
    "contribution.posted": _contribute,
    "contribution.reversed": _take_back,
    "growth.credited": _credit,
    "claim.opened": _open_claim,
    "claim.withdrawn": _withdraw_claim,
    "claim.paid": _pay_claim,
    "participant.deceased": _die,
    "merge.proposed": _ask,
    "card.merged": _tell_merge,
    "merge.acknowledged": _carry_out,
    "merge.refused": _refuse,
    "case.decided": _decide,
}
"""By type of event: the person, its data, and what the book keeps about it, with the `code` of its result."""


def joined(person: Person, kpj: str) -> list[Card]:
    """The card that holds the money for a number in Sepakat, and those that the core merged into it without consent."""
    living = person.here_root(kpj)
    apart = sorted((card for card in person.cards if card.told == living), key=lambda card: card.kpj)
    return [person.card(living), *apart]
