"""Which worker holds the lease of which lane. A lease says whose it is by an id that means nothing to others; so the
database notes, in the tests only, whose connection took it.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

NOTE_TAKES = """
CREATE TABLE takes (
    lane smallint, fence bigint, worker text, at timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (lane, fence)
);
CREATE FUNCTION note_take() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO takes VALUES (new.lane, new.fence, current_setting('prove.worker'));
    RETURN NULL;
END $$;
CREATE TRIGGER note_take AFTER UPDATE OF fence ON lanes
FOR EACH ROW WHEN (new.fence <> old.fence) EXECUTE FUNCTION note_take();
"""
HELD = """
SELECT DISTINCT t.worker FROM lanes AS l INNER JOIN takes AS t USING (lane, fence)
WHERE l.owner IS NOT NULL AND l.lease_until > clock_timestamp()
"""
LEFT = """
SELECT
    l.lane, l.fence, clock_timestamp() AS at,
    array(SELECT DISTINCT o.cause_id FROM outbox AS o WHERE o.lane = l.lane) AS waiting
FROM lanes AS l INNER JOIN takes AS t USING (lane, fence)
WHERE l.owner IS NOT NULL AND t.worker = $1
"""
TAKEN_AGAIN = "SELECT worker, at FROM takes WHERE lane = $1 AND fence > $2 ORDER BY fence"


class Left(msgspec.Struct, frozen=True):
    """A lease that a killed worker left behind, and the causes of the rows that waited in its lane."""

    lane: int
    fence: int
    at: datetime
    waiting: list[UUID]


class Taken(msgspec.Struct, frozen=True):
    worker: str
    at: datetime


class Leases:
    """Seen as the superuser, on one connection."""

    def __init__(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        self._connection = connection

    async def watch(self) -> None:
        """Before any worker starts."""
        await self._connection.execute(NOTE_TAKES)

    async def holders(self) -> set[str]:
        """The names of the workers that hold a lease now."""
        return {row["worker"] for row in await self._connection.fetch(HELD)}

    async def left_by(self, worker: str) -> list[Left]:
        """What a worker that is gone has left behind."""
        return [Left(**row) for row in await self._connection.fetch(LEFT, worker)]

    async def taken_after(self, left: Left) -> list[Taken]:
        """By whom and when the lane was taken since, in order."""
        return [Taken(**row) for row in await self._connection.fetch(TAKEN_AGAIN, left.lane, left.fence)]

    async def living(self) -> int:
        """How many leases run. One that a killed worker left in a lane without rows runs out, and stands until the next."""
        count: int = await self._connection.fetchval("SELECT count(*) FROM lanes WHERE lease_until > clock_timestamp()")
        return count
