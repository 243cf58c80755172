"""The simulated agency: its people, employers and cards, and its own book, which is what Sepakat is held against.

The book shares no code with the product. It keeps money by the number that it was paid for; what a card holds in the core
and what it must hold in Sepakat are then two sums over the same money, along the merges that each side has done.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import msgspec

SERIES = 50
"""Runs whose seeds differ modulo this have other identity, card and phone numbers, and can be played on one instance."""


class Card(msgspec.Struct):
    """`money`: whole rupiah paid in by this number less what was taken out; below zero where a card it went to was paid out.

    `here`, `core` and `told` name the card that it was merged into: by consent, in Sepakat; in the core; and in the core
    without consent, as Sepakat was told. `silent` is a merge that Sepakat was not told of: `{on, balances}`.
    """

    kpj: str
    employer: str | None
    opened_on: str
    status: str
    opened: bool = False
    money: int = 0
    claim: str | None = None
    here: str | None = None
    core: str | None = None
    told: str | None = None
    silent: dict[str, Any] | None = None

    @property
    def free(self) -> bool:
        """It is there, and nobody has merged it into another."""
        return self.opened and self.here is None and self.core is None and self.told is None


class Person(msgspec.Struct):
    """`number` is the last one used in the participant's stream, `at` the card that the present job pays for.

    `asks`: something waits for her answer. `device` is `{device_id, session}` of the phone, where she has one.
    """

    serial: int
    nik: str
    name: str
    born: str
    phone: str
    wage: int
    joins: int
    employer: str | None = None
    at: str | None = None
    cards: list[Card] = []
    number: int = 0
    has_phone: bool = False
    device: dict[str, Any] | None = None
    asks: bool = False
    took_part: bool = False
    died: bool = False

    def card(self, kpj: str) -> Card:
        return next(card for card in self.cards if card.kpj == kpj)

    @property
    def free_cards(self) -> list[Card]:
        return [card for card in self.cards if card.free]

    @property
    def merged_alone(self) -> bool:
        """The core has merged cards of hers without asking."""
        return any(card.silent or card.told for card in self.cards)

    def here_root(self, kpj: str) -> str:
        """Where the money for this number lies in Sepakat."""
        into = self.card(kpj).here
        return kpj if into is None else self.here_root(into)

    def core_root(self, kpj: str) -> str:
        """Where the money for this number lies in the core."""
        into = self.card(kpj).core
        return kpj if into is None else self.core_root(into)

    def here_balance(self, kpj: str) -> int:
        """What Sepakat must hold on this card."""
        return sum(card.money for card in self.cards if self.here_root(card.kpj) == kpj)

    def core_balance(self, kpj: str) -> int:
        """What the core holds on this card."""
        return sum(card.money for card in self.cards if self.core_root(card.kpj) == kpj)


class Employer(msgspec.Struct):
    """`owes` are months not paid yet, `unpaid_rounds` how many pay days it will still let pass."""

    id: str
    name: str
    pay_day: int
    owes: list[str] = []
    unpaid_rounds: int = 0


class Sent(msgspec.Struct):
    """An event, and what the book must know of it when its result is there."""

    event: dict[str, Any]
    about: dict[str, Any] = {}


class Task(msgspec.Struct):
    """Something to do for one person on a later day."""

    serial: int
    what: str
    about: dict[str, Any] = {}


class World(msgspec.Struct):
    """All of a run; what is saved of it is enough to go on. `steps` is how many steps were begun, `pending` are the events of
    the last one while their results are not booked, `reports` what was answered to the last report of each card, `tally`
    counts results by `type outcome code`. `sent` events took `seconds`.
    """

    seed: int
    days: int
    first_day: date
    people: list[Person]
    employers: list[Employer]
    next_card: int = 1
    steps: int = 0
    pending: list[Sent] = []
    agenda: dict[str, list[Task]] = {}
    reports: dict[str, str] = {}
    advices: dict[str, int] = {}
    tally: dict[str, int] = {}
    sent: int = 0
    seconds: float = 0.0

    @property
    def series(self) -> int:
        return SERIES + self.seed % SERIES

    def day(self, index: int) -> date:
        return self.first_day + timedelta(days=index)

    def new_kpj(self) -> str:
        """A number that no real card has: it begins with 99."""
        number = f"99{self.series:02d}{self.next_card:07d}"
        self.next_card += 1
        return number

    def here(self) -> Iterator[Person]:
        """Who is registered."""
        return (person for person in self.people if person.number)

    def cards(self) -> Iterator[tuple[Person, Card]]:
        return ((person, card) for person in self.people for card in person.cards if card.opened)

    def plan(self, day: date, task: Task) -> None:
        """For a later day; what lies after the end is never done."""
        self.agenda.setdefault(day.isoformat(), []).append(task)

    def count(self, event_type: str, outcome: str, code: str | None) -> None:
        key = " ".join(filter(None, (event_type, outcome, code)))
        self.tally[key] = self.tally.get(key, 0) + 1


def chance(*about: object) -> Random:
    """Always the same for the same: an interrupted day can be played again."""
    return Random(":".join(map(str, about)))  # noqa: S311 (nothing secret hangs on it)


def numbered(world: World, person: Person, day: date, kind: str, data: dict[str, Any], **about: Any) -> Sent:
    """The next event in the stream of a participant; the same at every run of the same seed."""
    person.number += 1
    minute = (person.serial * 7 + person.number * 13) % 540
    event = {
        "id": f"sim-{world.seed}-{person.serial}-{person.number}",
        "type": kind,
        "occurred_at": f"{day}T{8 + minute // 60:02d}:{minute % 60:02d}:00+07:00",
        "streams": {f"participant:{person.nik}": person.number},
        "data": data,
    }
    return Sent(event, {"serial": person.serial, **about})


def save(world: World, file: Path) -> None:
    """All of it or nothing."""
    new = file.with_suffix(".new")
    with new.open("wb") as out:
        out.write(msgspec.msgpack.encode(world))
        out.flush()
        os.fsync(out.fileno())
    new.replace(file)


def read(file: Path) -> World:
    """Raises msgspec.DecodeError when it is another file."""
    return msgspec.msgpack.decode(file.read_bytes(), type=World)
