"""How fast pushes go out: one change from its commit to the simulator, and a mountain of them against what else could send.

One worker process takes rows of the outbox and writes outcomes; `send_each_async` of firebase-admin and a bare HTTP/2 transport
know no database. All send to the same server (tests/bench/fcm_server.py), in turns, on the same cores as that server and
PostgreSQL. PUSHES (100,000) is how many the one process sends; with a million its memory tells more.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.progress import track

from app.local.core import post_contribution
from app.local.run import Running
from app.local.story import Stage
from tests.bench.backlog import Mountain, mountain
from tests.bench.measure import ROUNDS, console, tell, tell_ratio

SINGLES = 100
MONTHS = [f"{year}-{month:02d}" for year in range(2016, 2025) for month in range(1, 13)][:SINGLES]
PUSHES = int(os.environ.get("PUSHES", "100000"))
WAVE = 10_000
TRANSPORT_PUSHES = 20_000
FIREBASE_PUSHES = 1_500
GOOGLE_MS = 100
MIB = 2**20


async def bench_pushes(on: Stage, running: Running, kpj: str, fid: str) -> None:
    """Prints how long a change takes to reach the simulator, idle, and how fast a mountain is sent."""
    waits = []
    seen = len(await on.messages.pushes_to(fid))
    for month in track(MONTHS, "single pushes", console=console):
        began = time.monotonic()
        await on.core.send(post_contribution(kpj, "E003", month, 1_000, "2024-12-15"))
        seen += 1
        await on.messages.pushes_to(fid, seen)
        waits.append((time.monotonic() - began) * 1000)
    _tell_waits("event sent → accepted by the simulator, idle", waits)
    await running.halt("worker")
    try:
        await bench_mountain(running)
    finally:
        await running.restart("worker")


async def bench_mountain(running: Running) -> None:
    """Of the product, only the worker processes run that are measured."""
    with tempfile.TemporaryDirectory(prefix="sepakat-fcm-") as name:
        async with mountain(running, Path(name)) as hill:
            await hill.add_people(WAVE)
            console.print(f"load of the machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
            await _compare(hill)
            await _storm(hill)
        async with mountain(running, Path(name), delay_ms=GOOGLE_MS) as hill:
            await _multiply(hill, f"a server that takes {GOOGLE_MS} ms")


async def _compare(hill: Mountain) -> None:
    one, two, bare, firebase, sizes, costs = [], [], [], [], [], []
    waves = max(1, PUSHES // ROUNDS // WAVE)
    async with hill.workers(1) as [worker]:
        await hill.drain(WAVE)  # everything is imported and connected
        await hill.analyse()
        for _ in track(range(ROUNDS), "mountains", console=console):
            bare.append(await _other(hill, "transport", TRANSPORT_PUSHES))
            firebase.append(await _other(hill, "firebase", FIREBASE_PUSHES))
            rates = []
            for _ in range(waves):
                rates.append(await hill.drain(WAVE))
                costs.append(hill.cost_us)
                sizes.append(worker.memory_info().rss / MIB)
            one.append(statistics.harmonic_mean(rates))
            async with hill.workers(1):
                two.append(await hill.drain(WAVE))
    tell("one worker process, outbox → outcome written", one)
    for name, own in zip(("worker", "PostgreSQL"), zip(*costs, strict=True), strict=True):
        tell(f"  processor time of the {name} for a push", own, " µs")
    tell("send_each_async of firebase-admin", firebase)
    tell_ratio(one, firebase)
    tell("bare transport", bare)
    tell_ratio(one, bare)
    tell("two worker processes on the same cores", two)
    tell_ratio(two, one)
    slope = statistics.linear_regression(range(len(sizes)), sizes).slope * 100_000 / WAVE
    console.print(
        f"memory of the one: {sizes[0]:.0f} MiB after {WAVE * 2}, {sizes[-1]:.0f} MiB after {WAVE * (len(sizes) + 1)} pushes;"
        f" slope {slope:+.1f} MiB per 100,000",
        highlight=False,
    )


async def _storm(hill: Mountain) -> None:
    """What is urgent, while one process sends bulk as fast as it can."""
    waits: list[float] = []
    async with hill.workers(1):
        await hill.drain(WAVE)
        while len(waits) < SINGLES:
            await hill.pile(WAVE)
            while len(waits) < SINGLES and await hill.is_there():
                waits.append(await hill.tell_one())
                await asyncio.sleep(0.02)
    _tell_waits("urgent in a bulk storm, commit → outcome written", waits)


async def _multiply(hill: Mountain, over: str) -> None:
    """Where the cores are not the limit: as many answers are waited for as a process may."""
    rates: dict[int, list[float]] = {1: [], 2: [], 4: []}
    for _ in range(3):
        for number, measured in rates.items():
            async with hill.workers(number):
                await hill.drain(WAVE // 10)
                measured.append(await hill.drain(WAVE // 2))
    for number, measured in rates.items():
        tell(f"{number} worker processes over {over}", measured)
        if number > 1:
            tell_ratio(measured, rates[1])


async def _other(hill: Mountain, name: str, pushes: int) -> float:
    command = ["-m", "tests.bench.senders", name, hill.base_url, str(hill.account), str(hill.authority), str(pushes)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, env=os.environ | hill.environment, stdout=asyncio.subprocess.PIPE
    )
    told, _ = await process.communicate()
    return float(told)


def _tell_waits(name: str, waits: Sequence[float]) -> None:
    cuts = statistics.quantiles(waits, n=100)
    console.print(
        f"{name}: p50 {cuts[49]:.0f} ms, p99 {cuts[98]:.0f} ms, slowest {max(waits):.0f} ms (n = {len(waits)})",
        highlight=False,
        soft_wrap=True,
    )
