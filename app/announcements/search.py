"""Which announcements there are, and how far each has come: for the core by the feed, and for an operator."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from app.announcements.show import Published
from app.platform.database import WRITES, as_operator
from app.platform.sql import load

SQL = load("announcements/search")

State = Literal["running", "done", "stopped"]


class Progress(msgspec.Struct, frozen=True):
    """`audience` as it was published, of a list how many; `reached` people, and `share` of the whole that was gone through.

    `took_s` is since publication, or until it ended; `left_s` an estimate while it goes on. `replaces` and `replaced_by` are
    event ids.
    """

    id: UUID
    event_id: str
    severity: str
    audience: dict[str, Any]
    published: Published
    text_sha256: str
    published_at: datetime
    staff: str | None
    second_staff: str | None
    replaces: str | None
    replaced_by: str | None
    state: State
    reached: int
    share: float
    took_s: float
    left_s: float | None
    ended_at: datetime | None
    stopped_by: str | None
    reason: str | None


async def find_announcements(
    connection: Any,
    *,
    event_id: str | None = None,
    state: State | None = None,
    before: tuple[datetime, UUID] | None = None,
    limit: int = 1,
) -> list[Progress]:
    """The newest first. `connection` is one of the feed's role or the operator's."""
    rows = await connection.fetch(SQL["search"], event_id, *(before or (None, None)), state, limit)
    return [_read(dict(row)) for row in rows]


def _read(row: dict[str, Any]) -> Progress:
    audience = row["audience"]
    row["audience"] = msgspec.json.decode(audience) if isinstance(audience, str) else audience
    row["published"] = msgspec.json.decode(row.pop("canonical"), type=Published)
    going = row["state"] == "running" and row["share"] > 0
    row["left_s"] = row["took_s"] * (1 - row["share"]) / row["share"] if going else None
    return Progress(**row)


async def list_announcements(operator_url: str, *, event_id: str | None = None, limit: int = 50) -> list[Progress]:
    """As the operator's role. Raises PostgresError for who may not act as it."""
    async with as_operator(operator_url) as connection:
        return await find_announcements(connection, event_id=event_id, limit=limit)


async def stop(operator_url: str, event_id: str, reason: str) -> Progress | None:
    """Reaches nobody else with it; None when no announcement came by this event. As it stands then: it may have been done.

    Raises PostgresError for who may not act as the operator.
    """
    async with as_operator(operator_url, **WRITES) as connection:
        found = await find_announcements(connection, event_id=event_id)
        if not found:
            return None
        await connection.fetchval(SQL["stop"], found[0].id, reason)
        return (await find_announcements(connection, event_id=event_id))[0]
