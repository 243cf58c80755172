"""From a commit to the simulator's answer, idle and with a backlog."""

from __future__ import annotations

import statistics
import time

from rich.progress import track

from app.local.core import post_contribution
from app.local.story import Stage
from tests.bench.measure import console

PUSHES = 500


async def bench_pushes(on: Stage, kpj: str, fid: str) -> None:
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
