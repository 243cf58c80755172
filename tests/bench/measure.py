"""Rates and times as they are told: medians with their spread, of rounds that are interleaved where two things are compared."""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import httpx
from rich.console import Console

from app.local.ports import find_free_port
from app.local.run import Running

ROUNDS = 5
CLIENTS = 16

console = Console()
Call = Callable[[], Awaitable[None]]


async def rate_for(seconds: float, call: Call, clients: int = CLIENTS) -> float:
    """Calls per second, by so many at once for so long."""
    until = time.monotonic() + seconds

    async def ask() -> int:
        done = 0
        while time.monotonic() < until:
            await call()
            done += 1
        return done

    return sum(await asyncio.gather(*(ask() for _ in range(clients)))) / seconds


async def rate_of(calls: Sequence[Call], clients: int = CLIENTS) -> float:
    """Calls per second, each of these once, by so many at once."""
    waiting = list(reversed(calls))

    async def work() -> None:
        while waiting:
            await waiting.pop()()

    began = time.monotonic()
    await asyncio.gather(*(work() for _ in range(clients)))
    return len(calls) / (time.monotonic() - began)


def repeat(seconds: float, do: Callable[[], object]) -> float:
    """Runs per second in this process."""
    began, done = time.monotonic(), 0
    while time.monotonic() - began < seconds:
        do()
        done += 1
    return done / (time.monotonic() - began)


def tell(name: str, rates: Sequence[float], unit: str = "/s") -> None:
    """One line: the median, and the slowest and the fastest round."""
    digits = 0 if statistics.median(rates) >= 100 else 1
    low, high = min(rates), max(rates)
    console.print(
        f"{name:<50}{statistics.median(rates):9.{digits}f}{unit}  ({low:.{digits}f}–{high:.{digits}f})",
        highlight=False,
        soft_wrap=True,
    )


def tell_ratio(ours: Sequence[float], theirs: Sequence[float]) -> None:
    """The ratio of the rates of each round."""
    ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
    spread = f"({min(ratios):.2f}–{max(ratios):.2f})"
    console.print(
        f"  ratio {statistics.median(ratios):.2f}  {spread}, {len(ratios)} rounds interleaved", highlight=False
    )


@asynccontextmanager
async def bare_app(running: Running, participant_id: str) -> AsyncIterator[str]:
    """The address of the bare routes (tests/bench/bare.py), served as the API is: granian, two processes."""
    port = find_free_port()
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--factory", "tests.bench.bare:create"]
    bare = await asyncio.create_subprocess_exec(
        *(*command, "--workers", "2", "--host", "127.0.0.1", "--port", str(port), "--log-level", "error"),
        env=os.environ | running.environment | {"BENCH_PARTICIPANT": participant_id},
    )
    try:
        await _answering(f"http://localhost:{port}/cards")
        yield f"http://localhost:{port}"
    finally:
        bare.terminate()
        await bare.wait()


async def _answering(url: str) -> None:
    async with asyncio.timeout(20), httpx.AsyncClient() as client:
        while True:
            try:
                await client.get(url)
            except httpx.HTTPError:
                await asyncio.sleep(0.1)
            else:
                return
