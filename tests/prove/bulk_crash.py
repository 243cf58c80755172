"""Posting that is killed again and again, and a database that is: every rupiah is posted once.

A poster (`sepakat bulk post`, in the feed's role) works on a database with fsync. At a random moment while it posts, either it is
killed with signal 9 or PostgreSQL is stopped with `-m immediate`; then both are started again. CRASHES in all, half of each. In
the end every card has its credit once, every balance is the sum of its ledger, every chain holds, and every reference too.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.bulk.post import CHUNK_ROWS
from app.local.servers import Postgres, start_postgres
from app.platform.migrations import migrate
from tests.bulk.many_cards import AMOUNT, NAME, RUN, make_cards
from tests.bulk.references import dangling
from tests.history.chain import breaks
from tests.prove.__main__ import say

CRASHES = int(os.environ.get("CRASHES", "5"))
ROWS = 8_000 * (CRASHES + 2)
LATEST_S = 0.5
BEGINS_WITHIN_S = 60.0
SAMPLE = 500
WORKING = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sepakat bulk' AND state = 'active'"
POSTED = "SELECT posted FROM bulk_runs"
WRONG = {
    "cards whose balance is not the sum of their ledger": """
        SELECT count(*) FROM cards AS k WHERE (k.balance, k.entries) IS DISTINCT FROM (
            SELECT (sum(l.amount)::bigint, count(*)::integer) FROM ledger_entries AS l
            WHERE l.participant_id = k.participant_id AND l.card_id = k.card_id)""",
    "entries that are not the running sum": """
        SELECT count(*) FROM (SELECT balance_after - sum(amount) OVER (PARTITION BY participant_id, card_id ORDER BY number)
            AS off FROM ledger_entries) AS l WHERE off <> 0""",
    "cards without exactly one credit": """
        SELECT count(*) FROM cards AS k WHERE 1 <> (SELECT count(*) FROM ledger_entries AS l
            WHERE l.participant_id = k.participant_id AND l.card_id = k.card_id AND l.kind = 'growth' AND l.amount = 50000)""",
    "entries of history that do not follow from the one before": """
        SELECT count(*) FROM (SELECT h.*, lag(h.hash, 1, decode(repeat('00', 32), 'hex')) OVER of_one AS before,
            row_number() OVER of_one AS place FROM history AS h WINDOW of_one AS (PARTITION BY participant_id ORDER BY seq)) AS h
        WHERE h.seq <> h.place OR h.hash <> chain_step(NULL, h.before, entry_body(h.participant_id, h.seq, h.kind, h.card_id,
            h.merge_id, h.cause_id, h.occurred_at, h.recorded_at, h.wording, h.commitment))""",
    "heads that are not their last entry": """
        SELECT count(*) FROM participant_heads AS p WHERE (p.seq, p.hash) IS DISTINCT FROM (
            SELECT (h.seq, h.hash) FROM history AS h WHERE h.participant_id = p.participant_id ORDER BY h.seq DESC LIMIT 1)""",
    "entries without their row in the outbox": """
        SELECT count(*) FROM history AS h WHERE NOT EXISTS (SELECT FROM outbox AS o WHERE o.participant_id = h.participant_id
            AND o.seq = h.seq AND o.cause_id = h.cause_id AND o.class = 1)""",
}


class Site:
    """A PostgreSQL that is stopped without warning, and a poster that is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.postgres: Postgres = start_postgres(folder, durable=True)

    async def admin(self) -> asyncpg.Connection[Any]:
        return await asyncpg.connect(self.postgres.url("many", "postgres"), command_timeout=600)

    async def poster(self) -> asyncio.subprocess.Process:
        url = self.postgres.url("many", "sepakat_feed")
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "app.cli", "bulk", "post", NAME),
            env=os.environ | {"SEPAKAT_DATABASE_URL": url},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )

    def stop_at_once(self) -> None:
        """As `pg_ctl stop -m immediate` does."""
        self.postgres.process.send_signal(signal.SIGQUIT)
        self.postgres.process.wait(30)
        self.postgres = start_postgres(self.folder, durable=True)


async def crash_while_posting(site: Site, *, server: bool) -> bool:
    """One life of a poster; whether it was under way when it, or its database, was killed."""
    poster, admin = await site.poster(), await site.admin()
    until = time.monotonic() + BEGINS_WITHIN_S
    goal = await admin.fetchval(POSTED) + random.randint(0, 2) * CHUNK_ROWS
    while poster.returncode is None and time.monotonic() < until:
        if await admin.fetchval(POSTED) >= goal and await admin.fetchval(WORKING):
            break
        await admin.execute("SELECT pg_sleep(0.01)")
    await asyncio.sleep(random.uniform(0, LATEST_S))
    under_way = bool(await admin.fetchval(WORKING)) and poster.returncode is None
    await admin.close()
    if server:
        await asyncio.to_thread(site.stop_at_once)
    with suppress(ProcessLookupError):
        poster.kill()  # after its database too: between two chunks it would not notice, and post all the rest by itself
    await poster.wait()
    return under_way


@pytest.mark.long
@pytest.mark.timeout(600 + 60 * CRASHES)
async def test_a_run_that_is_cut_off_anywhere_posts_every_rupiah_once() -> None:
    with tempfile.TemporaryDirectory(prefix="sepakat-bulk-") as name:
        Path(name).chmod(0o755)  # as root, PostgreSQL runs as a user of its own
        await _prove(Site(Path(name)))


async def _prove(site: Site) -> None:
    try:
        admin = await asyncpg.connect(site.postgres.url("postgres", "postgres"))
        await admin.execute("CREATE DATABASE many")
        await admin.close()
        await migrate(site.postgres.url("many", "postgres"))
        admin = await site.admin()
        await make_cards(admin, ROWS)
        await admin.close()
        crashes = lives = 0
        reached = []
        while crashes < CRASHES:
            crashes += await crash_while_posting(site, server=crashes % 2 == 1)
            lives += 1
            admin = await site.admin()
            state, posted = await admin.fetchval("SELECT ROW(state, posted) FROM bulk_runs")
            await admin.close()
            reached.append(posted)
            if state == "done":
                break
        assert reached == sorted(reached)
        say(f"{crashes} crashes in {lives} lives, at {', '.join(f'{rows / ROWS:.0%}' for rows in reached[:60])}")
        poster = await site.poster()
        await poster.wait()
        admin = await site.admin()
        (run,) = await admin.fetch("SELECT state, posted, posted_amount, refused FROM bulk_runs WHERE run_id = $1", RUN)
        assert tuple(run) == ("done", ROWS, ROWS * AMOUNT, 0)
        assert await admin.fetchval("SELECT sum(balance) FROM cards") == ROWS * (1_000_000 + AMOUNT)
        for what, count in WRONG.items():
            assert await admin.fetchval(count) == 0, what
        assert await dangling(admin) == {}
        await _read_some(admin)
        await admin.close()
        assert crashes == CRASHES, "it ended before it was killed so often: more rows are needed"
    finally:
        site.postgres.stop()


async def _read_some(admin: asyncpg.Connection[Any]) -> None:
    """What the independent reader says to some histories."""
    rows = await admin.fetch(
        """SELECT h.*, d.salt, d.data, p.seq AS head_seq, p.hash AS head_hash FROM history AS h
        JOIN history_data AS d USING (participant_id, seq) JOIN participant_heads AS p USING (participant_id)
        ORDER BY h.participant_id, h.seq LIMIT $1""",
        SAMPLE,
    )
    for row in rows:  # one credit each
        assert breaks([dict(row)], (row["head_seq"], row["head_hash"])) == []
