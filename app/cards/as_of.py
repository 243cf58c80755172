"""The cards as they were: on a day, or as they were shown at an instant.

`as_of` is a day in Asia/Jakarta, at its end, as known now: what came late counts on the day on which it took effect.
`known_at` is an instant: what had been recorded by then. Both together: what was known then of that day.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from app.cards.card import Row
from app.platform.database import Connection
from app.platform.sql import statement

AS_OF = statement("cards/as_of")


async def read_as_of(
    connection: Connection, participant_id: UUID, day: date | None, known_at: datetime | None
) -> list[Row]:
    """Rows like those of cards/overview. A balance from before the opening balance that we were given is not known: null."""
    rows: list[Row] = list(await connection.fetch(AS_OF, participant_id, day, known_at))
    return rows
