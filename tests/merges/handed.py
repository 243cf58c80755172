"""A merge that was handed to the core, and what can be seen of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import msgspec

from tests.conftest import Database
from tests.feed.conftest import Core, event
from tests.merges.merged import jakarta
from tests.people import NewCard, Person, Phone, add_person


class Due(msgspec.Struct, frozen=True):
    """A person whose confirmed merge the worker has handed to the core."""

    person: Person
    phone: Phone
    id: str
    executes_at: str

    def report(self, *, into: int = 1, less: int = 0, days: int = 0, without: int | None = None) -> dict[str, Any]:
        """What the core would tell of it; the arguments make it another merge."""
        *absorbed, survivor = self.person.kpjs if into == 1 else self.person.kpjs[::-1]
        balances = {kpj: card.balance or 0 for kpj, card in self.person.cards.items()}
        balances[absorbed[0]] -= less
        if without is not None:
            del balances[self.person.kpjs[without]]
        day = jakarta(self.executes_at) + timedelta(days=days)
        data = {"absorbed": absorbed[0], "into": survivor, "merged_on": day.isoformat(), "balances": balances}
        return event("card.merged", data, occurred_at=self.executes_at)


async def confirmed(api: httpx.AsyncClient, database: Database, *cards: NewCard) -> tuple[Person, Phone, str]:
    person = await add_person(database, *cards)
    phone = await Phone(api).enrol(person)
    *absorb, into = person.kpjs
    proposed = await phone.post("/v1/merges", {"absorb": absorb, "into": into})
    assert (await phone.confirm(proposed.json())).status_code == 200
    return person, phone, str(proposed.json()["id"])


async def cards(phone: Phone) -> list[tuple[str, int]]:
    """Status and balance of each, the absorbed ones first."""
    found = (await phone.get("/v1/cards")).json()["cards"]
    return sorted(
        ((card["status"], card["balance"]) for card in found), key=lambda card: ("merged" not in card[0], card)
    )


async def told_to_core(core: Core, person: Person) -> list[str]:
    rows = await core.ask("SELECT type FROM core_events WHERE participant_id = $1 ORDER BY seq", person.participant_id)
    return [row["type"] for row in rows]


async def states(phone: Phone) -> list[tuple[str, str | None]]:
    return [(merge["state"], merge["core"]) for merge in (await phone.get("/v1/merges")).json()["merges"]]
