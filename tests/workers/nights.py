"""Night and morning for the tests: the one clock of a database is put on, and people choose their hours."""

from __future__ import annotations

import json
from typing import Any

from app.platform.database import Pool
from app.platform.sql import load
from tests.conftest import Database
from tests.workers.conftest import Outbox, Reachable

PUT_ON = """UPDATE local_clock SET ahead =
    ((((now() + ahead) AT TIME ZONE $2)::date + CASE WHEN ((now() + ahead) AT TIME ZONE $2)::time < $1::text::time
        THEN 0 ELSE 1 END + $1::text::time) AT TIME ZONE $2) - now()"""
WIB, WITA, WIT = "Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura"
SWEEP = load("notifications/sweep")


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
