"""What the second wall costs: `GET /v1/cards` with row-level security and without, in interleaved rounds on one instance."""

from __future__ import annotations

import asyncpg
from rich.progress import track

from app.local.phone import Phone
from app.local.run import Running
from tests.bench.measure import console, tell, tell_ratio
from tests.bench.reads import read_rate

ROUNDS = 8
WALLED = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relrowsecurity"


async def bench_isolation(running: Running, phone: Phone) -> None:
    """Prints both rates, and the ratio with its spread. The wall stands again at the end."""
    database = await asyncpg.connect(running.admin_url)
    tables = [row["relname"] for row in await database.fetch(WALLED)]
    url, headers = f"{running.api}/v1/cards", {"authorization": f"Bearer {phone.session['access_token']}"}
    rates: dict[bool, list[float]] = {True: [], False: []}
    try:
        for number in track(range(ROUNDS), "isolation", console=console):
            for walled in (True, False) if number % 2 else (False, True):
                await _set(database, tables, walled=walled)
                await read_rate(url, headers)  # every connection plans anew after a change of the tables
                rates[walled].append(await read_rate(url, headers))
    finally:
        await _set(database, tables, walled=True)
        await database.close()
    tell("GET my cards, walled off", rates[True])
    tell("GET my cards, without", rates[False])
    tell_ratio(rates[True], rates[False])


async def _set(database: asyncpg.Connection[asyncpg.Record], tables: list[str], *, walled: bool) -> None:
    async with database.transaction():
        for table in tables:
            await database.execute(f"ALTER TABLE {table} {'ENABLE' if walled else 'DISABLE'} ROW LEVEL SECURITY")
