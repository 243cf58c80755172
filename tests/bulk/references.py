"""Every reference of the tables that money is written to, looked up row by row."""

from __future__ import annotations

from typing import Any

import asyncpg

KEYS = """
SELECT c.conrelid::regclass::text AS of, c.confrelid::regclass::text AS to,
    (SELECT string_agg(format('t.%I = o.%I', b.attname, a.attname), ' AND ') FROM unnest(c.conkey, c.confkey) AS k (a, b)
        JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = k.a
        JOIN pg_attribute AS b ON b.attrelid = c.confrelid AND b.attnum = k.b) AS joined,
    (SELECT string_agg(format('o.%I IS NOT NULL', a.attname), ' AND ') FROM unnest(c.conkey) AS k (a)
        JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = k.a) AS given
FROM pg_constraint AS c
WHERE c.contype = 'f' AND c.conrelid = ANY (ARRAY['causes', 'ledger_entries', 'history', 'history_data', 'cards',
    'participant_heads']::regclass[])
"""


async def dangling(connection: asyncpg.Connection[Any]) -> dict[str, int]:
    """By table, the rows that name something which is not there. `connection` is the superuser's."""
    found = {}
    for key in await connection.fetch(KEYS):
        found[f"{key['of']} → {key['to']}"] = await connection.fetchval(
            f"SELECT count(*) FROM {key['of']} AS o WHERE {key['given']}"
            f" AND NOT EXISTS (SELECT FROM {key['to']} AS t WHERE {key['joined']})"
        )
    assert len(found) >= 6
    return {name: rows for name, rows in found.items() if rows}
