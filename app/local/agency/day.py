"""One day of the agency, as what happens on it sees it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, TypeVar

from app.local.agency.world import Person, Sent, Task, World, chance, numbered

Item = TypeVar("Item")


class Day:
    """The day so many days after the first. Chance is the day's own, so that it can be played again; `touched` are the serials of
    those with whom the core must not meddle any more today.
    """

    def __init__(self, world: World, index: int) -> None:
        self.world, self.index, self.day = world, index, world.day(index)
        self.rng = chance(world.seed, index)
        self.touched: set[int] = set()

    def tell(self, person: Person, kind: str, data: dict[str, Any], **about: Any) -> Sent:
        return numbered(self.world, person, self.day, kind, data, **about)

    def some(self, people: Sequence[Item], a_year: float) -> list[Item]:
        """As many as it happens to on one day, when it happens to `a_year` of one in a year."""
        expected = len(people) * a_year / 365
        count = int(expected) + (self.rng.random() < expected % 1)
        return self.rng.sample(people, min(count, len(people)))

    def later(self, days: tuple[int, int], task: Task) -> None:
        self.world.plan(self.day + timedelta(days=self.rng.randint(*days)), task)
