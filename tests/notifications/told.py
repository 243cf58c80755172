"""Somebody to whom things happen, what was sent to them, and what the table of climbs says of it."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import asyncpg

from tests.conftest import Apps
from tests.feed.conftest import Core, event
from tests.local.running_simulator import RunningSimulator
from tests.people import NewCard, Person, Phone, add_person

ORIGIN = "https://sepakat.example"
LINK = re.compile(rf"{ORIGIN}/stop/[a-z]{{28}}")
OLD = NewCard(status="inactive", balance=14_265_493, opened_on=date(2013, 3, 1))
NEW = NewCard(status="active", balance=9_910_352, opened_on=date(2019, 2, 1))
MINUTE, HOUR = 60, 3600


class Told:
    """One person, what was sent to them, and what the table says of it."""

    def __init__(self, apps: Apps, simulator: RunningSimulator, person: Person, phone: Phone) -> None:
        self.apps, self.simulator, self.person, self.phone = apps, simulator, person, phone
        self.email = f"{person.phone[1:]}@example.id" if person.phone else ""
        self.core = Core(apps.feed, apps.database)

    def mails(self) -> list[dict[str, Any]]:
        lines = self.simulator.messages()
        return [line for line in lines if line["channel"] == "mail" and line["to"] == self.email]

    def texts(self) -> list[str]:
        lines = self.simulator.messages()
        return [line["text"] for line in lines if line["channel"] == "sms" and line["to"] == self.person.phone]

    def count(self) -> tuple[int, int]:
        return len(self.mails()), len(self.texts())

    async def wait(self, seconds: float) -> None:
        assert (await self.apps.api.post("/local/clock", json={"advance_s": int(seconds)})).status_code == 200
        if self.phone.device_id:
            await self.phone.sign_in()

    async def climbs(self) -> dict[str, str]:
        """The state of each channel, of the newest cause that climbs."""
        rows = await self.ask(
            """SELECT channel, state FROM climbs WHERE participant_id = $1
            AND cause_id = (SELECT cause_id FROM climbs WHERE participant_id = $1 ORDER BY seqs[1] DESC LIMIT 1) ORDER BY step""",
            self.person.participant_id,
        )
        return {row["channel"]: row["state"] for row in rows}

    async def ask(self, sql: str, *values: Any) -> list[asyncpg.Record]:
        connection = await self.apps.database.connect()
        try:
            return await connection.fetch(sql, *values)
        finally:
            await connection.close()

    async def propose(self) -> str:
        """The agency proposes a merge; its id."""
        old, new = self.person.kpjs
        await self.core.apply(event("merge.proposed", {"absorb": [new], "into": old, "reason": "Kartu ganda"}))
        merge_id: str = (await self.phone.get("/v1/merges")).json()["merges"][0]["id"]
        return merge_id

    async def acknowledge(self, kind: str) -> None:
        """Every entry of this kind, with this person's phone."""
        entries = (await self.phone.get("/v1/inbox?limit=100")).json()["entries"]
        for entry in entries:
            if entry["kind"] == kind:
                assert (await self.phone.post(f"/v1/inbox/{entry['seq']}/acknowledge")).status_code == 200


async def someone(
    apps: Apps,
    simulator: RunningSimulator,
    *,
    mail: bool = True,
    pushed: bool = True,
    quiet: bool = True,
    locale: str = "id",
) -> Told:
    """A person with two cards and a phone. `quiet`: the entries of the enrolment are acknowledged."""
    counted = await add_person(apps.database, NewCard())  # takes a number of its own, for the address
    assert counted.phone is not None
    person = await add_person(
        apps.database,
        OLD,
        NEW,
        phone=counted.phone,
        email=f"{counted.phone[1:]}@example.id" if mail else None,
        locale=locale,
    )
    phone = await Phone(apps.api).enrol(person)
    if pushed:
        target = {"kind": "fid", "value": f"fid-{phone.device_id}", "platform": "android", "locale": "id"}
        assert (await phone.put("/v1/push-target", target)).status_code == 204
    told = Told(apps, simulator, person, phone)
    if quiet:
        await told.acknowledge("key_added")
    return told


async def happen_together(dwi: Told, *kinds: str) -> list[int]:
    """One cause with an entry of each kind, two at most, about another card; their seqs."""
    connection = await dwi.apps.database.connect()
    async with connection.transaction():
        cause_id = await connection.fetchval("SELECT record_cause($1, 'core', 'tests')", dwi.person.participant_id)
        for kind, card in zip(kinds, dwi.person.cards.values(), strict=False):
            await connection.execute(
                """SELECT append_history(ARRAY[
                    ROW($1::uuid, $2::text, $3::uuid, NULL, $4::uuid, jsonb_build_object('kpj', $5::text))::history_entry])""",
                dwi.person.participant_id,
                kind,
                card.card_id,
                cause_id,
                card.kpj,
            )
    rows = await connection.fetch("SELECT seq FROM history WHERE cause_id = $1 ORDER BY seq", cause_id)
    await connection.close()
    return [row["seq"] for row in rows]
