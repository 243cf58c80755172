"""People whom neither phone, mail nor SMS has reached: `sepakat unreached` lists them, for a letter or a call at a branch."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from app.platform.database import as_operator
from app.platform.sql import load

SQL = load("notifications/unreached")
PAGE = 500
START = (datetime(1, 1, 1, tzinfo=UTC), UUID(int=0), UUID(int=0))


class Unreached(msgspec.Struct, frozen=True):
    """One thing that one person does not know yet. It names nobody: the case tells who it is, and reading that is a look.

    `kinds` are those of the entries that nobody has acknowledged; `tried` is what became of the other channels, as
    `channel:state[:code]`.
    """

    participant_id: UUID
    cause_id: UUID
    locale: str
    case_id: UUID | None
    since: datetime
    seqs: list[int]
    kinds: list[str]
    tried: list[str]


class Total(msgspec.Struct, frozen=True):
    people: int
    causes: int


async def list_unreached(operator_url: str) -> AsyncIterator[Unreached]:
    """All of them, the longest waiting first. An acknowledgement takes an entry off the list."""
    async with as_operator(operator_url) as connection:
        place = START
        while rows := await connection.fetch(SQL["page"], *place, PAGE):
            for row in rows:
                yield msgspec.convert(dict(row), Unreached)
            place = (rows[-1]["since"], rows[-1]["participant_id"], rows[-1]["cause_id"])


async def count_unreached(operator_url: str) -> Total:
    """How many people, and how many things they do not know."""
    async with as_operator(operator_url) as connection:
        return msgspec.convert(dict(await connection.fetchrow(SQL["total"]) or {}), Total)
