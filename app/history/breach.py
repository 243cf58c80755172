"""`sepakat breach`: who was touched in a span of time, so that they can be told within 3×24 hours (UU PDP 27/2022, article 46).

What was written is known to the row, for every writer that went through the database, and so is every look of staff. What
another role only read is known to the log of the database server, if that is told to keep it.
"""

from __future__ import annotations

import csv
from datetime import datetime
from typing import TextIO

from app.platform.database import as_operator
from app.platform.sql import statement

TOUCHED = statement("history/breach", "touched")
COLUMNS = (
    "participant_id",
    "entries",
    "looks",
    "kinds",
    "origins",
    "database_roles",
    "first_at",
    "last_at",
    "locale",
    "has_push",
    "has_mail",
    "has_phone",
)


async def list_touched(database_url: str, since: datetime, until: datetime, role: str | None, out: TextIO) -> int:
    """Writes CSV, a line for each participant, and returns how many there are. Instants with a time zone; `until` excluded.

    Raises PostgresError for who may not act as the operator: row-level security would let others see nobody, or fewer.
    `role`: only what this database role wrote. No name and no contact stands in it: the ids are what the agency's own
    notice is made from.
    """
    found = 0
    async with as_operator(database_url) as connection:
        writer = csv.writer(out)
        writer.writerow(COLUMNS)
        async with connection.transaction(readonly=True):
            async for row in connection.cursor(TOUCHED, since, until, role):
                writer.writerow([_write(row[column]) for column in COLUMNS])
                found += 1
    return found


def _write(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
