"""Merges: the agency proposes some, and now and then its core joins two cards on its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.local.agency.day import Day
from app.local.agency.world import Card, Person, Sent, Task

PROPOSED, PROPOSED_WITH_PHONE = 0.6, 6.0
"""How often in a year, to somebody with cards to merge."""
NEVER_TOLD_EVERY, TOLD_AFTERWARDS_EVERY, OWNS_UP_AFTER_DAYS = 200, 200, (95, 125)
"""One silent merge for so many people, at least two; and one that is told afterwards."""


def propose(today: Day, alive: list[Person]) -> Iterator[Sent]:
    fitting = [person for person in alive if len(person.free_cards) > 1 and not person.merged_alone]
    with_phone = [person for person in fitting if person.device]
    without = [person for person in fitting if not person.device]
    for person in [*today.some(without, PROPOSED), *today.some(with_phone, PROPOSED_WITH_PHONE)]:
        one, other = today.rng.sample(person.free_cards, 2)
        data = {"absorb": [one.kpj], "into": other.kpj, "reason": "Dua kartu atas nama yang sama"}
        today.touched.add(person.serial)
        yield today.tell(person, "merge.proposed", data)


def merge_alone(today: Day, alive: list[Person]) -> Iterator[Sent]:
    """Spread evenly over the days. Of those that are not told, every second is owned up to months later, when it is found."""
    people = len(today.world.people)
    for place in _due(today, max(2, people // NEVER_TOLD_EVERY), 0.3):
        joined = _join(today, [person for person in alive if not person.asks])
        if joined is not None and place % 2:
            person, gone = joined
            today.later(OWNS_UP_AFTER_DAYS, Task(person.serial, "own_up", {"kpj": gone.kpj}))
    with_phone = [person for person in alive if person.device]
    for place in _due(today, max(2, people // TOLD_AFTERWARDS_EVERY), 0.5):
        joined = (_join(today, with_phone) if place % 2 == 0 else None) or _join(today, alive)
        if joined is not None:
            yield from own_up(today, joined[0], {"kpj": joined[1].kpj})


def _join(today: Day, people: list[Person]) -> tuple[Person, Card] | None:
    """The core joins two cards of one of these, and says nothing. Whose, and the card that is gone; None where none has two."""
    fitting = [
        person
        for person in people
        if not person.merged_alone
        and person.serial not in today.touched
        and not any(card.claim or card.here or card.core for card in person.cards)
        and sum(card.money > 0 for card in person.free_cards) > 1
    ]
    if not fitting:
        return None
    person = today.rng.choice(fitting)
    gone, kept = today.rng.sample([card for card in person.free_cards if card.money > 0], 2)
    balances = {card.kpj: person.core_balance(card.kpj) for card in (gone, kept)}
    gone.core, gone.silent = kept.kpj, {"on": today.day.isoformat(), "balances": balances}
    today.touched.add(person.serial)
    return person, gone


def own_up(today: Day, person: Person, about: dict[str, Any]) -> Iterator[Sent]:
    """The core tells of a merge that it did."""
    gone = person.card(about["kpj"])
    if gone.silent:
        data = {"absorbed": gone.kpj, "into": gone.core, "merged_on": gone.silent["on"]}
        yield today.tell(person, "card.merged", data | {"balances": gone.silent["balances"]})


def _due(today: Day, count: int, shift: float) -> list[int]:
    """Which of `count` things that are spread over the days fall on this one; none on the first days."""
    days = today.world.days
    return [place for place in range(count) if int((place + 0.5 + shift) * days / (count + 1)) == today.index]
