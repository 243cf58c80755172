"""`GET /v1/cards` with full authentication against a bare route that only runs the same statement."""

from __future__ import annotations

import asyncpg
import pyqwest
from rich.progress import track

from app.local.phone import Phone
from app.local.run import Running
from tests.bench.measure import ROUNDS, bare_app, console, rate_for, tell, tell_ratio

ROUND_S = 2.0


async def bench_reads(running: Running, phone: Phone) -> None:
    """Prints ours, the bare route, and the ratio with its spread."""
    database = await asyncpg.connect(running.admin_url)
    me = await database.fetchval("SELECT participant_id::text FROM device_owners WHERE device_id = $1", phone.device_id)
    await database.close()
    async with bare_app(running, me) as bare:
        urls = {"sepakat": f"{running.api}/v1/cards", "bare": f"{bare}/cards"}
        rates: dict[str, list[float]] = {name: [] for name in urls}
        headers = {"authorization": f"Bearer {phone.session['access_token']}"}
        for _ in track(range(ROUNDS), "reads", console=console):
            for name, url in urls.items():
                rates[name].append(await read_rate(url, headers))
    for name, values in rates.items():
        tell(f"GET my cards, {name}", values)
    tell_ratio(rates["sepakat"], rates["bare"])


async def read_rate(url: str, headers: dict[str, str]) -> float:
    """Answers per second to many at once."""
    client = pyqwest.Client()

    async def ask() -> None:
        answer = await client.get(url, headers=headers)
        if answer.status != 200:
            raise RuntimeError(f"{url} answered {answer.status}")

    return await rate_for(ROUND_S, ask)
