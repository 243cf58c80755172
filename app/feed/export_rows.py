"""`sepakat export`: everybody's cards, merges or cases into a file for the agency. docs/export.md has the columns.

No name, no identity number, no contact and nothing that anybody wrote stands in it. That it was asked for is on record before
the first row is read.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import date, datetime
from operator import itemgetter
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from app.platform.database import WRITES, as_operator
from app.platform.sql import load, statement
from app.platform.table_problems import TableRefused
from app.platform.table_writer import TableWriter
from app.platform.tables import hash_file

SQL = load("feed/export_rows")
AS_OF = statement("cards/as_of")
ROWS_AT_ONCE = 5_000

CARDS: Mapping[str, type] = {
    "participant_id": str,
    "kpj": str,
    "status": str,
    "segment": str,
    "employer_id": str,
    "programmes": str,
    "opened_on": date,
    "closed_on": date,
    "balance": int,
    "merged_into": str,
}
MERGES: Mapping[str, type] = {
    **dict.fromkeys(("participant_id", "merge_id", "state", "core", "proposed_by", "absorb", "into"), str),
    **dict.fromkeys(("proposed_at", "confirmed_at", "executed_at", "closed_at"), datetime),
    "closed_because": str,
}
CASES: Mapping[str, type] = {
    **dict.fromkeys(("participant_id", "case_id", "kind", "state"), str),
    **dict.fromkeys(("opened_at", "due_at", "decided_at"), datetime),
    **dict.fromkeys(("decision", "merge_id", "kpj"), str),
}
COLUMNS = {"cards": CARDS, "merges": MERGES, "cases": CASES}


async def export_rows(
    operator_url: str,
    what: str,
    path: Path,
    *,
    purpose: str,
    as_of: date | None = None,
    told: Callable[[int], None] | None = None,
) -> int:
    """Writes `what` (cards, merges, cases) as it stood at one moment, and returns how many rows there are.

    `as_of`, of cards only: as they stood at the end of that day, by what counts from when. `told` is called with the rows of each
    portion. Raises PostgresError for who may not act as the operator; TableRefused for a day ahead; it or
    OSError for the file.
    """
    columns = COLUMNS[what]
    async with as_operator(operator_url, statement_timeout="0", **WRITES) as connection:
        if as_of is not None and as_of > await connection.fetchval(SQL["today"]):
            raise TableRefused(f"{as_of} lies ahead: leave out the day for how cards stand now")
        export_id = await connection.fetchval(SQL["begin"], what, as_of, purpose)
        with TableWriter(path, columns) as out:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                portions = _read(connection, what) if as_of is None else _read_cards_as_of(connection, as_of)
                async for rows in portions:
                    out.write([[_plain(row[name]) for name in columns] for row in rows])
                    if told is not None:
                        told(len(rows))
        await connection.execute(SQL["end"], export_id, out.rows, hash_file(path))
        return out.rows


async def _read(connection: asyncpg.Connection[Any], what: str) -> AsyncIterator[Sequence[Mapping[str, Any]]]:
    cursor = await connection.cursor(SQL[what])
    while rows := await cursor.fetch(ROWS_AT_ONCE):
        yield rows


async def _read_cards_as_of(
    connection: asyncpg.Connection[Any], day: date
) -> AsyncIterator[Sequence[Mapping[str, Any]]]:
    """By the statement that shows a participant her cards of a day, one participant after the other."""
    shown = await connection.prepare(AS_OF)
    async for owners in _read(connection, "participants"):
        cards: list[Mapping[str, Any]] = []
        for owner in owners:
            cards += [
                {**row, **owner, "programmes": "|".join(row["programmes"]), "merged_into": row["living_kpj"]}
                for row in await shown.fetch(owner["participant_id"], day, None)
                if row["card_id"] is not None
            ]
        yield sorted(cards, key=itemgetter("participant_id", "kpj"))


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value
