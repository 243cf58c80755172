"""Thousands of open streams at one API process: what each costs, and how soon all of them have an entry.

PostgreSQL without fsync, one API process under granian, the readers in a process of their own (tests/listeners.py), all on
one machine; no worker, whose pushes would be measured too. STREAMS (5000) is how many.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import httpx
import msgspec
import psutil

from app.local.servers import start_postgres, start_valkey
from app.platform.jobs import Doorbell, Jobs
from app.platform.migrations import migrate
from tests.api_process import api_process
from tests.bench.measure import console
from tests.conftest import SECRET, Database, settings_for
from tests.crowds import SignedInPerson, analyse, gather, tell
from tests.listeners import listening

STREAMS = int(os.environ.get("STREAMS", "5000"))
ROUNDS = 5
PER_SESSION = 4
SESSIONS = 25
WITHIN_S = 120.0
QUIET_S = 20
MANY = ("--backpressure", "20000", "--backlog", "4096")


class Site(msgspec.Struct, frozen=True):
    """One API process; `pids` are those of the server."""

    database: Database
    api: httpx.AsyncClient
    bell: Jobs
    pids: list[int]

    @property
    def port(self) -> int:
        port = self.api.base_url.port
        assert port is not None
        return port

    def memory(self) -> int:
        """Bytes that the server's processes have in memory."""
        return sum(psutil.Process(pid).memory_info().rss for pid in self.pids)

    def busy_s(self) -> float:
        """Seconds that they have computed."""
        times = [psutil.Process(pid).cpu_times() for pid in self.pids]
        return sum(one.user + one.system for one in times)

    async def ring(self, people: list[UUID]) -> None:
        doorbell = Doorbell()
        for person in people:
            doorbell.ring(person, 0)
        await self.bell.ring(doorbell)


async def bench_streams() -> None:
    """Prints bytes for each stream, and the times from the commit to the last reader."""
    async with _site() as site:
        crowd: list[SignedInPerson] = []
        while len(crowd) < STREAMS:  # in parts, so that the server plans with what it has learnt
            crowd += await gather(site.database.url(), SECRET, min(500, STREAMS - len(crowd)))
            await analyse(site.database.url())
        await measure(
            site, [one.token for one in crowd], [one.participant_id for one in crowd], "each of another person"
        )
        few = STREAMS // (PER_SESSION * SESSIONS)
        crowd = await gather(site.database.url(), SECRET, few, sessions=SESSIONS)
        tokens = [one.token for one in crowd for _ in range(PER_SESSION)]
        people = list({one.participant_id for one in crowd})
        await measure(site, tokens, people, f"of {few} people, {SESSIONS} sessions each, {PER_SESSION} in each session")


async def measure(site: Site, tokens: list[str], people: list[UUID], whose: str) -> None:
    before = site.memory()
    began = time.monotonic()
    async with listening(site.port, tokens) as listeners:
        said = await listeners.hear(WITHIN_S)
        console.print(
            f"{said['open']} streams, {whose}: open after {time.monotonic() - began:.1f} s, refused {said['refused']}",
            highlight=False,
            soft_wrap=True,
        )
        await asyncio.sleep(2)
        each = (site.memory() - before) / len(tokens)
        console.print(f"  memory of each stream: {each:,.0f} bytes", highlight=False, soft_wrap=True)
        lasts, medians, busy = [], [], site.busy_s()
        for _ in range(ROUNDS):
            await tell(site.database.url(), people)
            committed = time.monotonic()
            await site.ring(people)
            said = await listeners.hear(WITHIN_S)
            lasts.append(said["last"] - committed)
            medians.append(said["median"] - committed)
            await asyncio.sleep(1)
        console.print(
            f"  one entry to each person, commit → last of all streams: median {statistics.median(lasts):.2f} s,"
            f" slowest {max(lasts):.2f} s; half of the streams: {statistics.median(medians):.2f} s (n = {ROUNDS});"
            f" the server computes {(site.busy_s() - busy) / ROUNDS:.2f} s for it",
            highlight=False,
            soft_wrap=True,
        )
        busy = site.busy_s()
        await asyncio.sleep(QUIET_S)
        share = (site.busy_s() - busy) / QUIET_S
        console.print(f"  nobody has news: {share:.0%} of a core in the server", highlight=False, soft_wrap=True)
    console.print(
        f"  after all have left: {(site.memory() - before) / len(tokens):,.0f} bytes each",
        highlight=False,
        soft_wrap=True,
    )


@asynccontextmanager
async def _site() -> AsyncIterator[Site]:
    with tempfile.TemporaryDirectory(prefix="sepakat-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        postgres, valkey = start_postgres(folder, durable=False), start_valkey(folder)
        bell = Jobs(valkey.url, SECRET)
        try:
            await migrate(postgres.url("postgres", "postgres"))
            database = Database(postgres, "postgres")
            settings = settings_for(database, valkey, "sepakat_api")
            async with api_process(settings, folder / "api.log", options=MANY) as api:
                yield Site(database, api, bell, _server(api))
        finally:
            await bell.close()
            valkey.stop()
            postgres.stop()


def _server(api: httpx.AsyncClient) -> list[int]:
    """The server that listens on this port, and its worker."""
    for child in psutil.Process().children():
        if str(api.base_url.port) in child.cmdline():
            return [child.pid, *(one.pid for one in child.children(recursive=True))]
    raise RuntimeError("no server has this port")
