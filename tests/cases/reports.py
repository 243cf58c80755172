"""A merge that the core did on its own, as tests of disputes and acceptances begin with it."""

from __future__ import annotations

from datetime import date
from typing import Any

import httpx
import msgspec

from tests.conftest import Database
from tests.feed.conftest import Core, event
from tests.people import NewCard, Person, Phone, add_person

OLD, NEW = 14_265_493, 9_910_352


class Reported(msgspec.Struct, frozen=True):
    """`gone` is the number of the card that the core absorbed into `kept`; `merge_id` is the reported merge."""

    person: Person
    phone: Phone
    merge_id: str
    gone: str
    kept: str

    async def merge(self) -> dict[str, Any]:
        answer = await self.phone.get(f"/v1/merges/{self.merge_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def cards(self) -> dict[str, tuple[str, int | None]]:
        """Status and balance by number."""
        answer = await self.phone.get("/v1/cards")
        return {card["kpj"]: (card["status"], card["balance"]) for card in answer.json()["cards"]}

    async def card(self, kpj: str) -> dict[str, Any]:
        found: dict[str, Any] = (await self.phone.post("/v1/cards/resolve", {"kpj": kpj}, key="")).json()
        return found

    async def cases(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.phone.get("/v1/cases")).json()["cases"]
        return found

    async def kinds(self) -> list[str]:
        """Of the newest entries, oldest first."""
        entries = (await self.phone.get("/v1/inbox")).json()["entries"]
        return [entry["kind"] for entry in reversed(entries)]

    async def dispute(self, statement: str | None = None) -> dict[str, Any]:
        """Disputes the merge; returns the case."""
        answer = await self.phone.post(f"/v1/merges/{self.merge_id}/dispute", {"statement": statement})
        assert answer.status_code == 200, answer.text
        return (await self.cases())[0]

    async def plan(self) -> dict[str, Any]:
        """The plan of accepting it, as `Phone.confirm` signs one."""
        answer = await self.phone.post(f"/v1/merges/{self.merge_id}/accept/plan")
        assert answer.status_code == 200, answer.text
        return {"id": self.merge_id, **answer.json()}

    async def accept(self, plan: dict[str, Any], **overrides: Any) -> httpx.Response:
        """Signs and sends; overrides replace members of the signed statement and, where it has them, of the body."""
        statement = {
            "version": 1,
            "purpose": "accept",
            "device_id": self.phone.device_id,
            "merge_id": self.merge_id,
            "plan_digest": plan["plan_digest"],
            "acknowledged": sorted(plan["plan"]["to_acknowledge"]),
        } | overrides
        if "nonce" not in statement:
            statement["nonce"] = await self.phone.challenge("accept", self.merge_id)
        body = {name: statement[name] for name in ("plan_digest", "acknowledged", "nonce")}
        proof = self.phone.proof(statement)
        return await self.phone.post(f"/v1/merges/{self.merge_id}/accept", body | {"proof": proof})


def merged(absorbed: str, into: str, balances: dict[str, int]) -> dict[str, Any]:
    data = {"absorbed": absorbed, "into": into, "merged_on": "2026-03-01", "balances": balances}
    return event("card.merged", data)


def decided(
    case_id: str, decision: str = "restored", *, streams: dict[str, int] | None = None, **members: Any
) -> dict[str, Any]:
    """By two people, unless told otherwise; `members` replace those of the data."""
    data = {"case_id": case_id, "decision": decision, "reason": "Tidak ada persetujuan", "staff": "s-ani"}
    return event("case.decided", data | {"second_staff": "s-budi"} | members, streams=streams or {})


async def reported_merge(api: httpx.AsyncClient, database: Database, core: Core) -> Reported:
    """The living card was merged into the old dead one, as in 2022."""
    person = await add_person(
        database,
        NewCard(balance=OLD, opened_on=date(2013, 3, 1)),
        NewCard(balance=NEW, status="active", opened_on=date(2019, 2, 1)),
    )
    kept, gone = person.kpjs
    await core.apply(merged(gone, kept, {gone: NEW, kept: OLD}))
    phone = await Phone(api).enrol(person)
    (merge,) = (await phone.get("/v1/merges")).json()["merges"]
    return Reported(person, phone, merge["id"], gone, kept)
