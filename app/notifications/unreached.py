"""People whom neither phone, mail nor SMS has reached: `sepakat unreached` lists them, for a letter or a call at a branch."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import msgspec

from app.platform.sql import load

SQL = load("notifications/unreached")
PAGE = 500
# Row-level security would let another role see nobody, which reads as if everybody had been reached.
OPERATOR = {"role": "sepakat_operator"}
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
    connection = await asyncpg.connect(operator_url, server_settings=OPERATOR)
    try:
        place = START
        while rows := await connection.fetch(SQL["page"], *place, PAGE):
            for row in rows:
                yield msgspec.convert(dict(row), Unreached)
            place = (rows[-1]["since"], rows[-1]["participant_id"], rows[-1]["cause_id"])
    finally:
        await connection.close()


async def count_unreached(operator_url: str) -> Total:
    """How many people, and how many things they do not know."""
    connection = await asyncpg.connect(operator_url, server_settings=OPERATOR)
    try:
        return msgspec.convert(dict(await connection.fetchrow(SQL["total"]) or {}), Total)
    finally:
        await connection.close()
