"""The app while money is posted: reads at a fifth of their highest rate, open loop, quiet and beside a run at half of its.

A whole instance as `make run` has it, but durable; the worker posts. CARDS (300000) are credited. Then one participant confirms
a merge in the middle of it, and the time until her push is there is taken.
"""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

import asyncpg
import pyqwest

from app.bulk.run import pause, resume, show_run
from app.local.phone import Phone
from app.local.run import Running
from app.local.story import Stage, push_target
from tests.bench.measure import console
from tests.bench.merges import _confirmation, _send
from tests.bench.reads import read_rate
from tests.bulk.many_cards import NAME, make_cards

CARDS = int(os.environ.get("CARDS", "300000"))
ALONE_S = 10.0
BESIDE_S = 20.0
SHARE_OF_READS = 0.2
SHARE_OF_POSTING = 0.5


async def bench_beside(on: Stage, running: Running, phone: Phone, kpjs: list[str]) -> None:
    """Prints both rates, both p99, and how soon the push came."""
    owner = await asyncpg.connect(running.admin_url, command_timeout=3600)
    await make_cards(owner, CARDS, state="paused")
    await owner.execute("ANALYZE")
    url = f"{running.api}/v1/cards"
    headers = {"authorization": f"Bearer {phone.session['access_token']}"}
    highest = await read_rate(url, headers)
    per_s = highest * SHARE_OF_READS
    quiet = await _read_openly(url, headers, per_s, BESIDE_S)
    posting = await _post_alone(owner)
    run = await resume(owner, NAME, max(1, round(posting * SHARE_OF_POSTING)))
    before = run.posted
    reading = asyncio.create_task(_read_openly(url, headers, per_s, BESIDE_S))
    await asyncio.sleep(BESIDE_S / 4)
    arrived = await _confirm(on, phone, kpjs)
    beside = await reading
    posted = (await show_run(owner, NAME)).posted - before
    await pause(owner, NAME)
    await owner.close()
    console.print(f"reads: at most {highest:,.0f}/s; posting alone {posting:,.0f} rows/s")
    console.print(f"reads at {per_s:,.0f}/s, quiet: {_tell(quiet)}")
    console.print(f"  beside posting at {posted / BESIDE_S:,.0f} rows/s: {_tell(beside)}")
    limit = max(2 * _p(quiet, 99), 50.0)
    console.print(f"  p99 {'within' if _p(beside, 99) <= limit else 'BEYOND'} {limit:.0f} ms; a merge was confirmed,")
    console.print(
        f"  and its push arrived {arrived:.1f} s after it was sent ({'within' if arrived <= 5 else 'BEYOND'} 5 s)"
    )


async def _post_alone(owner: asyncpg.Connection[Any]) -> float:
    """Rows a second of the worker, as fast as it goes."""
    await resume(owner, NAME)
    while (first := await show_run(owner, NAME)).posted == 0:  # noqa: ASYNC110 - another process does it
        await asyncio.sleep(0.1)
    began = time.monotonic()
    await asyncio.sleep(ALONE_S)
    last = await show_run(owner, NAME)
    took = time.monotonic() - began
    if last.state == "done":
        raise RuntimeError("it was done before it was measured: more CARDS are needed")
    await pause(owner, NAME)
    return (last.posted - first.posted) / took


async def _read_openly(url: str, headers: dict[str, str], per_s: float, seconds: float) -> list[float]:
    """Milliseconds of each answer, from the moment at which it was due: a late one does not hold up the next."""
    client = pyqwest.Client()
    took: list[float] = []

    async def ask(due: float) -> None:
        answer = await client.get(url, headers=headers)
        if answer.status != 200:
            raise RuntimeError(f"{url} answered {answer.status}")
        took.append((time.monotonic() - due) * 1000)

    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for number in range(int(per_s * seconds)):
            due = began + number / per_s
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            group.create_task(ask(due))
    return sorted(took)


async def _confirm(on: Stage, phone: Phone, kpjs: list[str]) -> float:
    """Seconds from sending the confirmation until its push is with the provider."""
    fid = push_target(phone)
    request = await _confirmation(phone, kpjs)
    await asyncio.sleep(2)  # the push of the proposal has come
    seen = len(await on.messages.pushes_to(fid))
    began = time.monotonic()
    await _send(request)
    await on.messages.pushes_to(fid, seen + 1)
    return time.monotonic() - began


def _p(times: list[float], percent: int) -> float:
    return times[min(len(times) - 1, len(times) * percent // 100)]


def _tell(times: list[float]) -> str:
    return f"p50 {_p(times, 50):.1f} ms, p99 {_p(times, 99):.1f} ms of {len(times):,}"
