"""`sepakat export`: everybody's cards, merges or cases into a file for the agency. docs/export.md has the columns.

No name, no identity number, no contact and nothing that anybody wrote stands in it. That it was asked for is on record before
the first row is read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from app.platform.sql import load, statement
from app.platform.table_writer import TableWriter

SQL = load("feed/export_rows")
OPERATOR = {"role": "sepakat_operator", "default_transaction_read_only": "off", "statement_timeout": "0"}
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
    portion. Raises PostgresError for who may not act as the operator; TableRefused or OSError for the file.
    """
    columns = COLUMNS[what]
    connection = await asyncpg.connect(operator_url, server_settings=OPERATOR)
    try:
        export_id = await connection.fetchval(SQL["begin"], what, as_of, purpose)
        with TableWriter(path, columns) as out:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                query, values = (SQL[what], ()) if as_of is None else (_cards_as_of(), (as_of,))
                cursor = await connection.cursor(query, *values)
                while rows := await cursor.fetch(ROWS_AT_ONCE):
                    out.write([[_plain(row[name]) for name in columns] for row in rows])
                    if told is not None:
                        told(len(rows))
        await connection.execute(SQL["end"], export_id, out.rows, _hash(path))
        return out.rows
    finally:
        await connection.close()


def _cards_as_of() -> str:
    """What one participant is shown of a day (sql/queries/cards/as_of.sql), of everybody: told once, it is the same for both."""
    of_one = statement("cards/as_of").strip().removesuffix(";")
    of_one = of_one.replace("$1", "p.participant_id").replace("$2", "$1").replace("$3", "NULL")
    return f"""
        SELECT
            p.participant_id, c.kpj, c.status, c.segment, c.employer_id, array_to_string(c.programmes, '|') AS programmes,
            c.opened_on, c.closed_on, c.balance, c.living_kpj AS merged_into
        FROM participants AS p CROSS JOIN LATERAL ({of_one}) AS c
        WHERE c.card_id IS NOT NULL ORDER BY p.participant_id, c.kpj
    """  # noqa: S608 (two statements of our own)


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value


def _hash(path: Path) -> bytes:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()
