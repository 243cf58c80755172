"""`make bench`: what matters, as ratios within one run, since machines differ. Nothing here is asserted.

Reads: `GET /v1/cards` with full authentication against a bare Litestar route that only runs the same statement, both
served by granian with two processes, in interleaved rounds, by the same client. Pushes: commit to accepted, and rows
drained per second.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from io import StringIO
from pathlib import Path

import asyncpg
import httpx
import pyqwest
from rich.console import Console
from rich.progress import track

from app.local.core import post_contribution
from app.local.phone import Phone
from app.local.ports import find_free_port
from app.local.run import Running
from app.local.story import Stage, find_person, push_target, stage

ROUNDS = 5
ROUND_S = 2.0
CLIENTS = 16
PUSHES = 500

console = Console()


async def rate(url: str, token: str) -> float:
    """Answers per second to `CLIENTS` at once."""
    client = pyqwest.Client()
    until = time.monotonic() + ROUND_S
    headers = {"authorization": f"Bearer {token}"}

    async def ask() -> int:
        done = 0
        while time.monotonic() < until:
            answer = await client.get(url, headers=headers)
            if answer.status != 200:
                raise RuntimeError(f"{url} answered {answer.status}")
            done += 1
        return done

    return sum(await asyncio.gather(*(ask() for _ in range(CLIENTS)))) / ROUND_S


async def bench_reads(running: Running, phone: Phone) -> None:
    """Prints ours, the bare route, and the ratio with its spread."""
    port = find_free_port()
    database = await asyncpg.connect(running.admin_url)
    me = await database.fetchval("SELECT participant_id::text FROM device_owners WHERE device_id = $1", phone.device_id)
    await database.close()
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--factory", "tests.bench.bare:create"]
    bare = await asyncio.create_subprocess_exec(
        *(*command, "--workers", "2", "--host", "127.0.0.1", "--port", str(port), "--log-level", "error"),
        env=os.environ | running.environment | {"BENCH_PARTICIPANT": me},
    )
    try:
        await _answering(f"http://localhost:{port}/cards")
        urls = {"sepakat": f"{running.api}/v1/cards", "bare": f"http://localhost:{port}/cards"}
        rates: dict[str, list[float]] = {name: [] for name in urls}
        token = phone.session["access_token"]
        for _ in track(range(ROUNDS), "reads", console=console):
            for name, url in urls.items():
                rates[name].append(await rate(url, token))
    finally:
        bare.terminate()
        await bare.wait()
    ratios = [ours / theirs for ours, theirs in zip(rates["sepakat"], rates["bare"], strict=True)]
    for name, values in rates.items():
        console.print(
            f"GET my cards, {name:<8} {statistics.median(values):8.0f}/s  ({min(values):.0f}–{max(values):.0f})"
        )
    console.print(
        f"  ratio {statistics.median(ratios):.2f}  ({min(ratios):.2f}–{max(ratios):.2f}), {ROUNDS} rounds interleaved"
    )


async def bench_pushes(on: Stage, phone: Phone, kpj: str, fid: str) -> None:
    """Prints how long a change takes to reach the simulator, idle, and how fast a backlog drains."""
    waits = []
    seen = len(await on.messages.pushes_to(fid))
    for month in track(range(1, 13), "single pushes", console=console):
        began = time.monotonic()
        await on.core.send(post_contribution(kpj, "E003", f"2024-{month:02d}", 1_000, "2024-12-15"))
        seen += 1
        await on.messages.pushes_to(fid, seen)
        waits.append((time.monotonic() - began) * 1000)
    console.print(
        f"commit → accepted, idle: median {statistics.median(waits):.0f} ms, slowest {max(waits):.0f} ms (n = {len(waits)})"
    )
    began = time.monotonic()
    contributions = [post_contribution(kpj, "E003", "2024-01", 1, "2024-12-15") for _ in range(PUSHES)]
    await on.core.send(*contributions)
    applied = time.monotonic()
    await on.messages.pushes_to(fid, seen + PUSHES)
    done = time.monotonic()
    console.print(
        f"{PUSHES} events of one participant: applied at {PUSHES / (applied - began):.0f}/s,"
        f" all accepted {done - applied:.1f} s after the last commit"
    )


async def _answering(url: str) -> None:
    async with asyncio.timeout(20), httpx.AsyncClient() as client:
        while True:
            try:
                await client.get(url)
            except httpx.HTTPError:
                await asyncio.sleep(0.1)
            else:
                return


async def main() -> None:
    with tempfile.TemporaryDirectory(prefix="sepakat-bench-") as name:
        Path(name).chmod(0o755)
        async with stage(Path(name), Console(file=StringIO()), durable=True) as (on, running):
            dwi = find_person("Dwi")
            phone = await on.phone_of(dwi, "Ponsel Dwi")
            benches: list[Callable[[], Awaitable[None]]] = [
                lambda: bench_reads(running, phone),
                lambda: bench_pushes(on, phone, dwi.kpjs[1], push_target(phone)),
            ]
            for bench in benches:
                await bench()


if __name__ == "__main__":
    asyncio.run(main())
