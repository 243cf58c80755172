"""A large database in a minute: cards by the million with their opening entries, and a run of growth staged for them all."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg

RUN, NAME, AMOUNT = UUID(int=1), "many", 50_000
# Ids in no order, as they are in a database that grew: cards of neighbours are not neighbours on disk.
PREPARE = """
SET session_replication_role = replica;
INSERT INTO participants (participant_id, nik_sealed, name, birth_date, locale, time_zone, registered_at)
SELECT md5(i::text)::uuid, '\\x00', 'Bayu Saputra', '1990-05-17', 'id', 'Asia/Jakarta', now()
FROM generate_series(1, {rows}) AS i;
SET ROLE sepakat_writer;
INSERT INTO participant_heads (participant_id) SELECT md5(i::text)::uuid FROM generate_series(1, {rows}) AS i;
INSERT INTO cards (participant_id, card_id, kpj, segment, programmes, opened_on, lifecycle, balance, entries)
SELECT md5(i::text)::uuid, md5('card' || i)::uuid, lpad(i::text, 11, '0'), 'PU', ARRAY['JHT', 'JKK', 'JKM'], '2019-01-01',
    'active', 1000000, 1 FROM generate_series(1, {rows}) AS i;
INSERT INTO causes (participant_id, cause_id, origin, actor, occurred_at, recorded_at, database_role, xact)
SELECT md5(i::text)::uuid, md5('card' || i)::uuid, 'import', 'tests', now(), now(), 'tests', pg_current_xact_id()
FROM generate_series(1, {rows}) AS i;
INSERT INTO ledger_entries
    (participant_id, card_id, number, kind, amount, balance_after, effective_on, recorded_at, cause_id)
SELECT md5(i::text)::uuid, md5('card' || i)::uuid, 1, 'opening', 1000000, 1000000, '2019-01-01', now(), md5('card' || i)::uuid
FROM generate_series(1, {rows}) AS i;
RESET ROLE;
INSERT INTO bulk_runs (run_id, name, kind, state, rows, amount, loaded_at, resumed_at)
VALUES ('00000000-0000-0000-0000-000000000001', 'many', 'growth', '{state}', {rows}, {rows} * 50000::numeric, now(), now());
INSERT INTO bulk_rows (participant_id, run_id, line, card_id, event_id, amount, effective_on, year)
SELECT participant_id, '00000000-0000-0000-0000-000000000001', kpj::bigint, card_id, 'growth-2025-' || kpj, 50000,
    '2025-12-31', 2025
FROM cards WHERE entries = 1 AND kpj < '1' ORDER BY participant_id;
RESET session_replication_role
"""


async def make_cards(connection: asyncpg.Connection[Any], rows: int, *, state: str = "running") -> None:
    """So many participants with a card each, and one credit for each in the run. `connection` is the superuser's."""
    for statement in PREPARE.format(rows=rows, state=state).strip().split(";\n"):
        await connection.execute(statement)
