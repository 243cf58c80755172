"""What happens at the agency on one day, as events. The same day of the same world gives the same events."""

from __future__ import annotations

from collections.abc import Iterator

from app.local.agency import lives, merging, money
from app.local.agency.day import Day
from app.local.agency.world import Sent, World

LATER = {
    "set_right": money.set_right,
    "begin_job": lives.begin_job,
    "pay_claim": lives.pay_claim,
    "pay_heirs": lives.pay_heirs,
    "own_up": merging.own_up,
}
"""What can be planned for a later day."""
AFTER_DEATH = ("pay_heirs", "pay_claim")


def events_of(world: World, index: int) -> list[Sent]:
    """Of the day so many days after the first; plans what follows on later days, and knows no result yet."""
    return list(_happen(Day(world, index)))


def _happen(today: Day) -> Iterator[Sent]:
    yield from lives.join(today)
    alive = [person for person in today.world.here() if not person.died and person.joins < today.index]
    for task in today.world.agenda.pop(today.day.isoformat(), []):
        person = today.world.people[task.serial]
        if not person.died or task.what in AFTER_DEATH:
            yield from LATER[task.what](today, person, task.about)
    yield from money.pay(today, alive)
    yield from lives.change_jobs(today, alive)
    yield from lives.claim(today, alive)
    yield from lives.live(today, alive)
    yield from merging.propose(today, alive)
    yield from merging.merge_alone(today, alive)
    if money.is_growth_night(today):
        yield from money.credit_growth(today)
