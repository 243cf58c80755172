"""Night and morning for the tests: the one clock of a database is put on, and people choose their hours."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from app.platform.database import Pool
from app.platform.sql import load
from tests.conftest import Database
from tests.people import Person

if TYPE_CHECKING:
    from tests.workers.conftest import Outbox, Reachable

PUT_ON = """UPDATE local_clock SET ahead =
    ((((now() + ahead) AT TIME ZONE $2)::date + CASE WHEN ((now() + ahead) AT TIME ZONE $2)::time < $1::text::time
        THEN 0 ELSE 1 END + $1::text::time) AT TIME ZONE $2) - now()"""
WIB, WITA, WIT = "Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura"
SWEEP = load("notifications/sweep")
NIGHT = "22:00-06:00"
QUOTA = {
    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
    "violations": [{"subject": "device:1", "description": "Device message rate exceeded"}],
}
WAIT = {"status": 429, "error_code": "QUOTA_EXCEEDED", "details": [QUOTA], "retry_after": 30}


class Nights:
    """`until` lets time go by; `choose` is what the API does when a phone sends preferences."""

    def __init__(self, database: Database, outbox: Outbox, pool: Pool) -> None:
        self._database, self._outbox, self._pool = database, outbox, pool

    async def until(self, wall_clock: str, zone: str = WIB) -> None:
        """The next time that the clock on the wall there shows this."""
        await self._outbox.connection.execute(PUT_ON, wall_clock, zone)

    async def choose(
        self, who: Reachable, *, quiet: str | None = "", zone: str | None = None, off: tuple[tuple[str, str], ...] = ()
    ) -> bool:
        """Quiet hours as `22:00-06:00`, None for none; what is left out stays."""
        hours = dict(zip(("from", "to"), quiet.split("-"), strict=True)) if quiet else None
        changes: list[dict[str, Any]] = [{"class": kind, "channel": channel, "on": False} for kind, channel in off]
        api = await self._database.connect("sepakat_api", entering=who.person.participant_id)
        try:
            changed: bool = await api.fetchval(
                "SELECT set_preferences($1, NULL, $2, $3::jsonb, $4::jsonb, 'tests')",
                who.person.participant_id,
                zone,
                None if quiet == "" else json.dumps(hours),
                json.dumps(changes),
            )
        finally:
            await api.close()
        return changed

    async def due_lanes(self) -> list[int]:
        return [row["lane"] for row in await self._pool.fetch(SWEEP["due_lanes"])]

    async def resting(self) -> int:
        count: int = await self._outbox.connection.fetchval("SELECT count(*) FROM outbox WHERE class = 2")
        return count


async def happen(outbox: Outbox, person: Person, kind: str) -> int:
    """An entry of this kind, with a cause of its own. Its seq."""
    async with outbox.connection.transaction():
        cause = await outbox.connection.fetchval("SELECT record_cause($1, 'core', 'tests')", person.participant_id)
        await outbox.connection.execute(
            "SELECT append_history(ARRAY[ROW($1::uuid, $2::text, NULL, NULL, $3::uuid, '{}')::history_entry])",
            person.participant_id,
            kind,
            cause,
        )
    return await head(outbox, person)


async def head(outbox: Outbox, person: Person) -> int:
    seq: int = await outbox.connection.fetchval(
        "SELECT seq FROM participant_heads WHERE participant_id = $1", person.participant_id
    )
    return seq


async def acknowledge(outbox: Outbox, who: Reachable, seq: int) -> None:
    await outbox.connection.execute(
        "INSERT INTO acknowledgements VALUES ($1, $2, $3, now())",
        who.person.participant_id,
        seq,
        who.devices[who.value],
    )


async def read_up_to(outbox: Outbox, who: Reachable, seq: int) -> None:
    await outbox.connection.execute(
        "INSERT INTO inbox_pointers VALUES ($1, $2) ON CONFLICT (participant_id) DO UPDATE SET read_up_to = $2",
        who.person.participant_id,
        seq,
    )
