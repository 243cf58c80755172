"""Growth for every card of a large database, beside plain SQL that writes the same rows without any guard.

PostgreSQL with fsync, alone on its machine but for this client. ROWS (1000000) cards of as many participants, one credit
each. Three ways, in slices that take turns, so that whatever else the machine does meets all of them:

- posted: `settle_bulk_chunk`, as the product does it;
- plain: one statement a chunk that writes the same rows to tables with the same columns, checks and indexes, but without
  triggers, foreign keys and locks, and with simpler hashes;
- money: one statement a chunk that inserts the ledger entries and updates the balances, nothing else.

Seconds are those that PostgreSQL's backend computed (CPU) and those that went by (wall).
"""

from __future__ import annotations

import os
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import psutil

from app.bulk.post import CHUNK_ROWS
from app.local.servers import start_postgres
from app.platform.migrations import migrate
from tests.bench.measure import console
from tests.bulk.many_cards import RUN, make_cards

ROWS = int(os.environ.get("ROWS", "1000000"))
SLICES = 10
WRITTEN = ("causes", "ledger_entries", "history", "history_data", "outbox", "participant_heads", "cards")

OPTIONS = {"cards": 80, "participant_heads": 70, "outbox": 80}

PLAIN = """
WITH entry AS MATERIALIZED (
    SELECT told.*, sha256(told.salt || convert_to(told.data, 'UTF8')) AS commitment, sha256(told.head || told.salt) AS hash
    FROM (
        SELECT b.participant_id, b.card_id, b.event_id, b.amount, b.effective_on, b.year,
            k.entries + 1 AS number, k.balance + b.amount AS balance_after, h.seq + 1 AS seq, h.hash AS head,
            uuidv7() AS cause_id, uuid_send(gen_random_uuid()) AS salt,
            jsonb_build_object('amount', b.amount, 'year', b.year, 'received_for_kpj', NULL, 'joined_amount', NULL, 'kpj', k.kpj,
                'status_before', k.status, 'status_after', k.status,
                'balance_before', k.balance, 'balance_after', k.balance + b.amount)::text AS data
        FROM bulk_rows AS b
        JOIN plain.cards AS k ON k.participant_id = b.participant_id AND k.card_id = b.card_id
        JOIN plain.participant_heads AS h ON h.participant_id = b.participant_id
        WHERE b.participant_id > $1 AND b.participant_id <= $2
        OFFSET 0
    ) AS told
), caused AS (
    INSERT INTO plain.causes
        (participant_id, cause_id, origin, actor, event_id, bulk, occurred_at, recorded_at, database_role, xact)
    SELECT participant_id, cause_id, 'core', 'core', event_id, true, now(), now(), session_user, pg_current_xact_id() FROM entry
), posted AS (
    INSERT INTO plain.ledger_entries
        (participant_id, card_id, number, kind, amount, balance_after, effective_on, recorded_at, year, source_event, cause_id)
    SELECT participant_id, card_id, number, 'growth', amount, balance_after, effective_on, now(), year, event_id, cause_id
    FROM entry
), written AS (
    INSERT INTO plain.history
        (participant_id, seq, kind, card_id, cause_id, occurred_at, recorded_at, wording, commitment, hash)
    SELECT participant_id, seq, 'growth_credited', card_id, cause_id, now(), now(), '2026-11', commitment, hash FROM entry
), kept AS (
    INSERT INTO plain.history_data (participant_id, seq, salt, data) SELECT participant_id, seq, salt, data FROM entry
), queued AS (
    INSERT INTO plain.outbox (lane, class, participant_id, seq, cause_id)
    SELECT lane_of(participant_id), 1, participant_id, seq, cause_id FROM entry
), headed AS (
    UPDATE plain.participant_heads AS h SET seq = e.seq, hash = e.hash FROM entry AS e WHERE h.participant_id = e.participant_id
)
UPDATE plain.cards AS k SET entries = e.number, balance = e.balance_after
FROM entry AS e WHERE k.participant_id = e.participant_id AND k.card_id = e.card_id
"""
MONEY = """
WITH posted AS (
    INSERT INTO money.ledger_entries
        (participant_id, card_id, number, kind, amount, balance_after, effective_on, recorded_at, year, source_event, cause_id)
    SELECT b.participant_id, b.card_id, k.entries + 1, 'growth', b.amount, k.balance + b.amount, b.effective_on, now(), b.year,
        b.event_id, uuidv7()
    FROM bulk_rows AS b
    JOIN money.cards AS k ON k.participant_id = b.participant_id AND k.card_id = b.card_id
    WHERE b.participant_id > $1 AND b.participant_id <= $2
    RETURNING participant_id, card_id, number, balance_after
)
UPDATE money.cards AS k SET entries = p.number, balance = p.balance_after
FROM posted AS p WHERE k.participant_id = p.participant_id AND k.card_id = p.card_id
"""
BOUNDS = """
SELECT participant_id FROM (
    SELECT participant_id, row_number() OVER (ORDER BY participant_id) AS place FROM bulk_rows
) AS r WHERE place % $1 = 0 OR place = $2 ORDER BY participant_id
"""
SIZE = "SELECT sum(pg_total_relation_size(t::regclass))::bigint FROM unnest($1::text[]) AS t"


class Meter:
    """Seconds and rows of each way. The backend is one process, so its CPU is all that PostgreSQL computes for the rows."""

    def __init__(self, connection: asyncpg.Connection[Any], backend: psutil.Process) -> None:
        self.connection, self.backend = connection, backend
        self.cpu: dict[str, list[float]] = defaultdict(list)
        self.wall: dict[str, list[float]] = defaultdict(list)

    async def slice(self, way: str, chunks: list[tuple[UUID, UUID]]) -> None:
        cpu, wall = sum(self.backend.cpu_times()[:2]), time.monotonic()
        for after, upto in chunks:
            if way == "posted":
                await self.connection.fetchrow("SELECT * FROM settle_bulk_chunk($1, $2)", RUN, CHUNK_ROWS)
            else:
                await self.connection.execute(PLAIN if way == "plain" else MONEY, after, upto)
        self.cpu[way].append(sum(self.backend.cpu_times()[:2]) - cpu)
        self.wall[way].append(time.monotonic() - wall)


async def bench_bulk() -> None:
    """Prints rates, ratios, memory and bytes."""
    with tempfile.TemporaryDirectory(prefix="sepakat-bench-") as name:
        Path(name).chmod(0o755)
        postgres = start_postgres(Path(name), durable=True)
        try:
            await _measure(postgres.url)
        finally:
            postgres.stop()


async def _measure(url: Any) -> None:
    admin = await asyncpg.connect(url("postgres", "postgres"))
    await admin.execute("ALTER SYSTEM SET autovacuum = off")
    await admin.execute("SELECT pg_reload_conf()")
    await admin.execute("CREATE DATABASE bench")
    await admin.close()
    await migrate(url("bench", "postgres"))
    connection = await asyncpg.connect(url("bench", "postgres"), command_timeout=3600)
    await _prepare(connection)
    console.print(
        f"bulk: {ROWS:,} credits on {ROWS:,} cards, chunks of {CHUNK_ROWS:,}, in {SLICES} slices that take turns"
    )
    bounds = [row[0] for row in await connection.fetch(BOUNDS, CHUNK_ROWS, ROWS)]
    chunks = list(zip([UUID(int=0), *bounds], bounds, strict=False))
    backend = psutil.Process(await connection.fetchval("SELECT pg_backend_pid()"))
    meter = Meter(connection, backend)
    before, memory = await connection.fetchval(SIZE, list(WRITTEN)), []
    share = max(1, -(-len(chunks) // SLICES))
    ways = ["posted", "plain", "money"]
    for place in range(0, len(chunks), share):
        for way in ways:
            await meter.slice(way, chunks[place : place + share])
        ways = ways[1:] + ways[:1]
        memory.append(backend.memory_full_info().uss)
    await connection.fetchrow("SELECT * FROM settle_bulk_chunk($1, $2)", RUN, CHUNK_ROWS)
    (run,) = await connection.fetch("SELECT state, posted, posted_amount FROM bulk_runs")
    if tuple(run) != ("done", ROWS, ROWS * 50_000):
        raise RuntimeError(f"not what was staged: {run}")
    after = await connection.fetchval(SIZE, list(WRITTEN))
    _tell(meter, memory, (after - before) / ROWS)
    await connection.close()


async def _prepare(connection: asyncpg.Connection[Any]) -> None:
    await make_cards(connection, ROWS)
    for schema, tables in {"plain": WRITTEN, "money": ("cards", "ledger_entries")}.items():
        await connection.execute(f"CREATE SCHEMA {schema}")
        for table in tables:
            columns = await connection.fetchval(
                """SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute
                WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''""",
                table,
            )
            await connection.execute(f"CREATE TABLE {schema}.{table} (LIKE public.{table} INCLUDING ALL)")
            if table in OPTIONS:
                await connection.execute(f"ALTER TABLE {schema}.{table} SET (fillfactor = {OPTIONS[table]})")
            await connection.execute(f"INSERT INTO {schema}.{table} ({columns}) SELECT {columns} FROM public.{table}")
    await connection.execute("VACUUM ANALYZE")
    await connection.execute("CHECKPOINT")


def _tell(meter: Meter, memory: list[int], bytes_each: float) -> None:
    for way in ("posted", "plain", "money"):
        cpu, wall = sum(meter.cpu[way]), sum(meter.wall[way])
        console.print(
            f"  {way:7} {cpu:7.1f} s CPU {wall:7.1f} s wall  {ROWS / cpu:8,.0f}/s  {cpu / ROWS * 1e6:5.1f} µs a credit"
        )
    for kind, of in (("CPU", meter.cpu), ("wall", meter.wall)):
        posted = sum(of["posted"])
        ratios = posted / sum(of["plain"]), posted / sum(of["money"])
        console.print(
            f"  {kind}: posted takes {ratios[0]:.2f} times what plain takes, {ratios[1]:.2f} times what money takes"
        )
    first, last = meter.cpu["posted"][0], meter.cpu["posted"][-1]
    console.print(f"  the last slice takes {last / first:.2f} times the first")
    console.print(
        f"  {bytes_each:,.0f} bytes a credit; the backend's own memory"
        f" {memory[0] / 1e6:.1f} MB, at the end {memory[-1] / 1e6:.1f} MB"
    )
