"""`make bench`: what matters, as ratios within one run, since machines differ. Nothing here is asserted.

A fresh instance as `make run` has it, but durable: PostgreSQL with fsync, API and feed served by granian with two processes each,
one worker, and the client on the same machine. `python -m tests.bench reads merges` runs some of the subjects only.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import httpx
from rich.console import Console

from app.local.story import find_person, push_target, stage
from tests.bench.beside import bench_beside
from tests.bench.bulk import bench_bulk
from tests.bench.crowd import Crowd
from tests.bench.isolation import bench_isolation
from tests.bench.measure import CLIENTS
from tests.bench.merges import bench_merges
from tests.bench.pushes import bench_pushes
from tests.bench.reads import bench_reads
from tests.bench.receipts import bench_exports, bench_receipts
from tests.bench.streams import bench_streams

SUBJECTS = ("reads", "isolation", "pushes", "merges", "exports", "streams", "bulk", "beside")

# What is measured is how fast it can be, not how fast Google would let it.
UNBOUND = {"SEPAKAT_PUSH_QUOTA_PER_MINUTE": "60000000", "SEPAKAT_PUSH_DEVICE_LIMIT": "1000000"}


async def main(chosen: Sequence[str]) -> None:
    if "streams" in chosen:
        await bench_streams()
    if "bulk" in chosen:
        await bench_bulk()
    if set(chosen) - {"streams", "bulk"}:
        await _on_one_stage(chosen)


async def _on_one_stage(chosen: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="sepakat-bench-") as name:
        Path(name).chmod(0o755)
        async with (
            stage(Path(name), Console(file=StringIO()), durable=True, settings=UNBOUND) as (on, running),
            httpx.AsyncClient(base_url=running.api, limits=httpx.Limits(max_connections=CLIENTS), timeout=30) as api,
        ):
            on.core.feed.timeout = httpx.Timeout(60)
            crowd = Crowd(on, running, api)
            dwi = find_person("Dwi")
            phone = await on.phone_of(dwi, "Ponsel Dwi")
            if "reads" in chosen:
                await bench_reads(running, phone)
            if "isolation" in chosen:
                await bench_isolation(running, phone)
            if "pushes" in chosen:
                await bench_pushes(on, running, dwi.kpjs[1], push_target(phone))
            if "exports" in chosen:
                await bench_exports(on, crowd)
            if "beside" in chosen:
                await bench_beside(on, running, phone, dwi.kpjs)
            if "merges" in chosen:
                await bench_receipts(await bench_merges(running, crowd))


if __name__ == "__main__":
    asyncio.run(main([name for name in SUBJECTS if name in sys.argv[1:]] or SUBJECTS))
