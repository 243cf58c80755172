"""People: they join, change jobs, claim, die, and are corrected."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from app.local.agency.day import Day
from app.local.agency.world import Card, Person, Sent, Task

# How many of those it can happen to, in a year.
LEAVES, CLAIMS_ALL, CLAIMS_PART, DIES, PORTS, CORRECTED = 0.30, 0.10, 0.03, 0.004, 0.02, 0.03
WITHDRAWS, CONTINUES = 0.1, 0.4


def join(today: Day) -> Iterator[Sent]:
    for person in today.world.people:
        if person.joins == today.index:
            since = (today.day - timedelta(days=400 + person.serial % 1500)).isoformat()
            told = {"nik": person.nik, "name": person.name, "birth_date": person.born, "phone": person.phone}
            yield today.tell(person, "participant.registered", told | {"phone_since": since})
            for card in person.cards:
                yield open_card(today, person, card)


def open_card(today: Day, person: Person, card: Card) -> Sent:
    employer = next((firm for firm in today.world.employers if firm.id == card.employer), None)
    data: dict[str, Any] = {
        "kpj": card.kpj,
        "nik": person.nik,
        "segment": "PU" if employer else "BPU",
        "programmes": ["JHT", "JKK", "JKM"],
        "opened_on": card.opened_on,
        "status": card.status,
    }
    if employer:
        data["employer"] = {"id": employer.id, "name": employer.name}
    if card.money:
        data["opening_balance"] = card.money
    return today.tell(person, "card.opened", data)


def change_jobs(today: Day, alive: list[Person]) -> Iterator[Sent]:
    for person in today.some([person for person in alive if person.employer and person.at], LEAVES):
        card = person.card(person.at or "")
        person.at = None
        if card.free and not card.claim:
            data = {"kpj": card.kpj, "status": "inactive", "effective_on": today.day.isoformat()}
            yield today.tell(person, "card.status_changed", data)
        today.later((7, 40), Task(person.serial, "begin_job"))


def begin_job(today: Day, person: Person, _: dict[str, Any]) -> Iterator[Sent]:
    """An employer that asks Sepakat first goes on with the card that there is; any other opens one more."""
    employer = today.rng.choice(today.world.employers)
    old = [card for card in person.free_cards if card.status == "inactive" and not card.claim]
    person.employer = employer.id
    if old and today.rng.random() < CONTINUES:
        card = old[-1]
        person.at = card.kpj
        data = {"kpj": card.kpj, "status": "active", "effective_on": today.day.isoformat()}
        yield today.tell(person, "card.status_changed", data, asks_for=employer.id)
        return
    card = Card(today.world.new_kpj(), employer.id, today.day.isoformat(), "active")
    person.cards.append(card)
    person.at = card.kpj
    yield open_card(today, person, card)


def claim(today: Day, alive: list[Person]) -> Iterator[Sent]:
    payable = [
        (person, card)
        for person in alive
        for card in person.free_cards
        if not card.claim and card.status in ("inactive", "active") and card.money > 100_000
    ]
    ended = [(person, card) for person, card in payable if card.status == "inactive" and card.kpj != person.at]
    for person, card in today.some(ended, CLAIMS_ALL):
        yield from open_claim(today, person, card, "full")
    working = [(person, card) for person, card in payable if card.status == "active" and not person.took_part]
    for person, card in today.some(working, CLAIMS_PART):
        person.took_part = True
        yield from open_claim(today, person, card, today.rng.choice(("ten_percent", "thirty_percent")))


def open_claim(today: Day, person: Person, card: Card, kind: str) -> Iterator[Sent]:
    if any(other.silent for other in person.cards):
        return  # the core would pay what Sepakat does not know to be there
    share = {"full": 100, "ten_percent": 10, "thirty_percent": 30}[kind]
    claim = {
        "kpj": card.kpj,
        "claim_id": f"SIM-{today.world.seed}-{card.kpj}-{today.index}",
        "kind": kind,
        "amount": max(1, person.core_balance(card.kpj) * share // 100),
    }
    today.touched.add(person.serial)
    today.later((4, 12), Task(person.serial, "pay_claim", claim))
    yield today.tell(person, "claim.opened", claim)


def pay_claim(today: Day, person: Person, claim: dict[str, Any]) -> Iterator[Sent]:
    if person.card(claim["kpj"]).claim != claim["claim_id"]:
        return
    if claim["kind"] != "full" and today.rng.random() < WITHDRAWS:
        yield today.tell(person, "claim.withdrawn", claim)
        return
    if claim["kind"] == "full":
        claim = claim | {"amount": max(1, person.core_balance(claim["kpj"]))}
    yield today.tell(person, "claim.paid", claim)


def live(today: Day, alive: list[Person]) -> Iterator[Sent]:
    on = today.day.isoformat()
    others = [person for person in alive if not person.has_phone]
    for person in today.some(others, DIES):
        person.at = None
        today.later((30, 60), Task(person.serial, "pay_heirs"))
        yield today.tell(person, "participant.deceased", {"nik": person.nik, "on": on})
    for person in today.some(others, PORTS):
        yield today.tell(person, "participant.phone_ported", {"nik": person.nik, "on": on})
    for person in today.some(others, CORRECTED):
        email = f"{person.name.split()[0].lower()}.{person.serial}@sim{today.world.series}.example"
        yield today.tell(person, "participant.updated", {"nik": person.nik, "email": email})


def pay_heirs(today: Day, person: Person, _: dict[str, Any]) -> Iterator[Sent]:
    for card in person.free_cards:
        if not card.claim and person.core_balance(card.kpj) > 0:
            yield from open_claim(today, person, card, "full")
