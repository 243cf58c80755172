"""People whose cards were merged as they confirmed, and the money that comes in afterwards."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from tests.conftest import Database
from tests.people import NewCard, Person, Phone

OLD = NewCard(
    balance=14_265_493, opened_on=date(2013, 3, 1), employer_id="E-GARMEN", employer="PT Sinar Garmen Majalaya"
)
NEW = NewCard(
    balance=9_910_352,
    status="active",
    opened_on=date(2019, 2, 1),
    employer_id="E-OTOMOTIF",
    employer="PT Karawang Presisi Otomotif",
)
TOTAL = 24_175_845
TOLD_AS = {
    "contribution": "contribution_posted",
    "contribution_reversal": "contribution_reversed",
    "growth": "growth_credited",
    "claim_payment": "claim_paid",
}


class Merged(msgspec.Struct, frozen=True):
    """A person whose old card was merged into the new one, as she confirmed."""

    database: Database
    person: Person
    phone: Phone
    merge: dict[str, Any]
    day: date

    @property
    def id(self) -> str:
        return str(self.merge["id"])

    async def post(self, kpj: str, amount: int, *, day: int = 0, kind: str = "contribution", **entry: Any) -> None:
        """An entry on card `kpj`, effective that many days after the execution, as the feed would post it."""
        month = {"month": "2026-10-01"} if kind.startswith("contribution") else {}
        day_of = (self.day + timedelta(days=day)).isoformat()
        await self.change(kpj, TOLD_AS[kind], **month, ledger_kind=kind, amount=amount, effective_on=day_of, **entry)

    async def change(self, kpj: str, kind: str, **change: Any) -> None:
        """A change of one card that the core tells of; the keys are those of the type card_change."""
        row = {
            "participant_id": str(self.person.participant_id),
            "card_id": str(self.person.cards[kpj].card_id),
            "kind": kind,
        } | change
        connection = await self.database.connect("sepakat_feed")
        async with connection.transaction():
            cause_id = await connection.fetchval("SELECT record_cause($1, 'core', 'tests')", self.person.participant_id)
            await connection.execute(
                "SELECT apply_changes(array(SELECT c FROM jsonb_populate_recordset(NULL::card_change, $1) AS c))",
                json.dumps([row | {"cause_id": str(cause_id)}]),
            )
        await connection.close()

    async def cards(self) -> dict[str, tuple[str, int]]:
        found = (await self.phone.get("/v1/cards")).json()["cards"]
        return {card["kpj"]: (card["status"], card["balance"]) for card in found}

    async def plan(self) -> dict[str, Any]:
        answer = await self.phone.post(f"/v1/merges/{self.id}/undo/plan")
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown


async def merge_cards(
    phone: Phone, absorb: list[str], into: str, cool_off: Callable[[], Awaitable[None]]
) -> dict[str, Any]:
    """Proposed, confirmed and executed."""
    proposed = await phone.post("/v1/merges", {"absorb": absorb, "into": into})
    assert proposed.status_code == 201, proposed.text
    confirmed = await phone.confirm(proposed.json())
    assert confirmed.status_code == 200, confirmed.text
    await cool_off()
    merge: dict[str, Any] = (await phone.get(f"/v1/merges/{proposed.json()['id']}")).json()
    assert merge["state"] == "executed"
    return merge


def jakarta(instant: str) -> date:
    return (datetime.fromisoformat(instant) + timedelta(hours=7)).date()
