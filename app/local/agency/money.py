"""Money: employers pay in the month after, some late or not at all; who is self-employed pays when she can; it grows yearly."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from app.local.agency.day import Day
from app.local.agency.world import Employer, Person, Sent, Task, World, numbered

JHT_SHARE = 0.057
GROWTH_OF_TEN_THOUSAND = 557
STOPS_PAYING, FOUND_AFTER_DAYS, WRONG_AMOUNT = 0.02, (3, 12), 0.004
REPORT_EVERY_DAYS = 91


def pay(today: Day, alive: list[Person]) -> Iterator[Sent]:
    staff: defaultdict[str | None, list[Person]] = defaultdict(list)
    for person in alive:
        if person.at is not None:
            staff[person.employer].append(person)
    month = (today.day.replace(day=1) - timedelta(days=1)).strftime("%Y-%m")
    for employer in today.world.employers:
        if employer.pay_day == today.day.day:
            yield from pay_for(today, employer, staff[employer.id], month)
    for person in staff[None]:
        if person.serial % 28 + 1 == today.day.day and today.rng.random() < 0.8:
            yield from contribute(today, person, month)


def pay_for(today: Day, employer: Employer, staff: list[Person], month: str) -> Iterator[Sent]:
    employer.owes.append(month)
    if employer.unpaid_rounds:
        employer.unpaid_rounds -= 1
        return
    if today.rng.random() < STOPS_PAYING:
        employer.unpaid_rounds = today.rng.randint(1, 3)
        yield from set_status(today, staff, "arrears")
        return
    owes, employer.owes = employer.owes, []
    for person in staff:
        for owed in owes:
            if person.card(person.at or "").opened_on[:7] <= owed:
                yield from contribute(today, person, owed)
    if len(owes) > 1:
        yield from set_status(today, staff, "active")


def set_status(today: Day, staff: list[Person], status: str) -> Iterator[Sent]:
    for person in staff:
        card = person.card(person.at or "")
        if card.free and card.status in ("active", "arrears") and card.status != status:
            data = {"kpj": card.kpj, "status": status, "effective_on": today.day.isoformat()}
            yield today.tell(person, "card.status_changed", data)


def contribute(today: Day, person: Person, month: str) -> Iterator[Sent]:
    amount = max(20_000, int(person.wage * JHT_SHARE)) if person.employer else 20_000 * (1 + person.serial % 5)
    data = {
        "kpj": person.at,
        "employer_id": person.employer,
        "month": month,
        "amount": amount,
        "paid_on": today.day.isoformat(),
    }
    if today.rng.random() >= WRONG_AMOUNT:
        yield today.tell(person, "contribution.posted", data)
        return
    wrong = today.tell(person, "contribution.posted", data | {"amount": amount * 10})
    about = {"event_id": wrong.event["id"], "amount": amount * 10, "right": data}
    today.later(FOUND_AFTER_DAYS, Task(person.serial, "set_right", about))
    yield wrong


def set_right(today: Day, person: Person, about: dict[str, Any]) -> Iterator[Sent]:
    kpj = about["right"]["kpj"]
    data = {"kpj": kpj, "event_id": about["event_id"], "reason": "Salah ketik nominal"}
    yield today.tell(person, "contribution.reversed", data, amount=about["amount"])
    yield today.tell(person, "contribution.posted", about["right"])


def is_growth_night(today: Day) -> bool:
    """The second of January; where the run has none, in its middle."""
    days = [today.world.day(index) for index in range(today.world.days)]
    january = [day for day in days if (day.month, day.day) == (1, 2)]
    return today.day in (january or [days[len(days) // 2]])


def credit_growth(today: Day) -> Iterator[Sent]:
    year = today.day.year - 1
    for person, card in today.world.cards():
        if card.core is None and card.status != "claimed" and card.opened_on < date(year, 12, 31).isoformat():
            amount = max(0, person.core_balance(card.kpj)) * GROWTH_OF_TEN_THOUSAND // 10_000
            yield today.tell(person, "growth.credited", {"kpj": card.kpj, "year": year, "amount": amount})


def reports_of(world: World, index: int) -> list[Sent]:
    """The core's figure for every card that is there, as it stands when all events of the day are booked."""
    day = world.day(index)
    sent = []
    for person, card in world.cards():
        status = "merged" if card.core else card.status
        data = {
            "kpj": card.kpj,
            "as_of": day.isoformat(),
            "balance": person.core_balance(card.kpj) if not card.core else 0,
            "status": status,
        }
        sent.append(numbered(world, person, day, "balance.reported", data))
    return sent


def reports_are_due(world: World, index: int) -> bool:
    """Every quarter, and in the end."""
    return index == world.days - 1 or index % REPORT_EVERY_DAYS == REPORT_EVERY_DAYS - 1
