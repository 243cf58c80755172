"""A mountain of pushes, made by SQL as the owner could, and the worker processes that send it."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import httpx
import psutil

from app.local.children import Child
from app.local.ports import find_free_port
from app.local.run import Running
from app.local.simulator_accounts import write_service_account
from app.platform.jobs import QUEUE, Jobs
from tests.platform.test_fcm_over_tls import write_certificate

FIRST_SEQ = 1000
DRAINED_WITHIN_S = 600

PEOPLE = """
CREATE TABLE IF NOT EXISTS bench_people (participant_id uuid PRIMARY KEY, device_id uuid NOT NULL);
GRANT SELECT ON bench_people TO sepakat_writer;
INSERT INTO bench_people SELECT gen_random_uuid(), gen_random_uuid() FROM generate_series(1, {people});
SELECT register_participant(
    participant_id, sha256(uuid_send(participant_id)), '\\x00', 'Bayu Saputra', '1990-05-17',
    NULL, NULL, NULL, 'id', NULL, NULL, 'import', 'bench', NULL, NULL
) FROM bench_people;
INSERT INTO devices (participant_id, device_id, name, platform, public_key, added_at, cause_id)
SELECT participant_id, device_id, 'HP', 'android', '{{}}', current_instant(), record_cause(participant_id, 'participant', 'bench')
FROM bench_people;
INSERT INTO push_targets (participant_id, device_id, kind, value, platform, locale, set_at)
SELECT participant_id, device_id, 'fid', 'fid-' || device_id, 'android', 'id', current_instant() FROM bench_people;
DELETE FROM match_queue;
DELETE FROM outbox;
UPDATE climbs SET state = 'no_address', ended_at = current_instant() WHERE channel <> 'people' AND state = 'waiting';
VACUUM ANALYZE
"""
# As `append_history` writes them, but for the chain, which costs more than all else and which no push reads.
WAVE = """
WITH cause AS (
    INSERT INTO causes (participant_id, origin, actor, bulk, occurred_at, recorded_at, database_role, xact)
    SELECT participant_id, 'core', 'bench', $3, now(), now(), session_user, pg_current_xact_id() FROM (
        SELECT participant_id FROM bench_people ORDER BY participant_id LIMIT $1
    ) AS chosen
    RETURNING participant_id, cause_id
), entry AS (
    INSERT INTO history (participant_id, seq, kind, cause_id, occurred_at, recorded_at, wording, commitment, hash)
    SELECT participant_id, $2, 'contribution_posted', cause_id, now(), now(), '1', '', '' FROM cause
    RETURNING participant_id, seq, cause_id
)
INSERT INTO outbox (lane, class, participant_id, seq, cause_id)
SELECT lane_of(participant_id), $3::boolean::integer, participant_id, seq, cause_id FROM entry
RETURNING lane
"""
ACCEPTED = """
SELECT count(*) FROM deliveries AS d
JOIN history AS h USING (participant_id, cause_id)
WHERE h.seq = $1 AND d.state = 'accepted' AND d.attempts = 1
"""


class Mountain:
    """Who is pushed to, where pushes go, and what sends them."""

    def __init__(
        self, running: Running, folder: Path, base_url: str, owner: asyncpg.Connection[asyncpg.Record]
    ) -> None:
        self.base_url = base_url
        self.authority = folder / "ca.pem"
        self.account = folder / "account.json"
        self._running = running
        self._folder = folder
        self._owner = owner
        self._jobs = Jobs(running.environment["SEPAKAT_REDIS_URL"], "")
        self._seq = FIRST_SEQ
        self._sending: list[psutil.Process] = []
        self.cost_us = (0.0, 0.0)  # processor time of the last drain for each push: of the workers, of PostgreSQL

    @property
    def environment(self) -> dict[str, str]:
        """Of a process that trusts the server, and whose access token comes from it."""
        return {"SSL_CERT_FILE": str(self.authority), "REQUESTS_CA_BUNDLE": str(self.authority)}

    async def go_on(self) -> None:
        """After the entries that an earlier mountain wrote."""
        self._seq = await self._owner.fetchval("SELECT greatest(max(seq), $1) FROM history", FIRST_SEQ)

    async def add_people(self, people: int) -> None:
        for statement in PEOPLE.format(people=people).strip().split(";\n"):
            await self._owner.execute(statement)

    @asynccontextmanager
    async def workers(self, number: int) -> AsyncIterator[list[psutil.Process]]:
        """So many processes of the product, as they run in production."""
        environment = self._running.environment | self.environment
        environment |= {
            "SEPAKAT_DATABASE_URL": self._running.database_urls["sepakat_worker"],
            "SEPAKAT_FCM_BASE_URL": self.base_url,
            "SEPAKAT_FCM_CREDENTIALS": str(self.account),
        }
        command = [sys.executable, "-m", "workers.main"]
        async with AsyncExitStack() as stack:
            children = [Child("worker", command, environment, self._folder / f"{n}.log") for n in range(number)]
            for child in children:
                await child.start()
                stack.push_async_callback(child.stop)
                while "worker_runs" not in child.log.read_text():
                    if child.returncode is not None:
                        raise RuntimeError(child.tail())
                    await asyncio.sleep(0.05)
            processes, others = [psutil.Process(child.pid) for child in children], self._sending
            self._sending = others + processes
            yield processes
            self._sending = others

    async def drain(self, pushes: int) -> float:
        """Pushes per second: from their commit, which is followed by the rings, until the outcome of the last is written."""
        postmaster = psutil.Process(await self._owner.fetchval("SELECT pg_backend_pid()")).parent()
        seq, began = await self.pile(pushes)
        before = processor_s(self._sending), processor_s([postmaster])
        await self._end_of(bulk=True, look_every_s=0.02)
        took = time.monotonic() - began
        after = processor_s(self._sending), processor_s([postmaster])
        self.cost_us = ((after[0] - before[0]) / pushes * 1e6, (after[1] - before[1]) / pushes * 1e6)
        await self._check(seq, pushes)
        return pushes / took

    async def analyse(self) -> None:
        """What autovacuum does within a minute: until then plans are for the empty tables of a new instance."""
        await self._owner.execute("ANALYZE")

    async def pile(self, pushes: int, *, bulk: bool = True) -> tuple[int, float]:
        """One push to each of so many people, committed and rung for. The number of their entries; when the commit was."""
        self._seq += 1
        seq = self._seq
        async with self._owner.transaction():
            await self._owner.execute("SET LOCAL ROLE sepakat_writer")
            lanes = {row["lane"] for row in await self._owner.fetch(WAVE, pushes, seq, bulk)}
        committed = time.monotonic()
        redis = await self._jobs.redis()
        await asyncio.gather(*(redis.enqueue_job("drain_lane", lane, _queue_name=QUEUE) for lane in lanes))
        return seq, committed

    async def is_there(self, *, bulk: bool = True) -> bool:
        there: bool = await self._owner.fetchval("SELECT EXISTS (SELECT FROM outbox WHERE class = $1)", int(bulk))
        return there

    async def tell_one(self) -> float:
        """Milliseconds from the commit of something urgent until its outcome is written."""
        seq, began = await self.pile(1, bulk=False)
        await self._end_of(bulk=False, look_every_s=0.005)
        took_ms = (time.monotonic() - began) * 1000
        await self._check(seq, 1)
        return took_ms

    async def close(self) -> None:
        await self._jobs.close()

    async def _end_of(self, *, bulk: bool, look_every_s: float) -> None:
        async with asyncio.timeout(DRAINED_WITHIN_S):
            while True:
                if not await self.is_there(bulk=bulk):
                    return
                await asyncio.sleep(look_every_s)

    async def _check(self, seq: int, pushes: int) -> None:
        accepted = await self._owner.fetchval(ACCEPTED, seq)
        if accepted != pushes:
            raise RuntimeError(f"{pushes} pushes, {accepted} accepted at the first try")


def processor_s(processes: Iterable[psutil.Process | None]) -> float:
    """Seconds of processor time of these and all that they started, ended or not. A load of others changes them little."""
    spent = 0.0
    for process in filter(None, processes):
        for one in (process, *process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                times = one.cpu_times()
                spent += times.user + times.system
        ended = process.cpu_times()
        spent += ended.children_user + ended.children_system
    return spent


@asynccontextmanager
async def mountain(running: Running, folder: Path, delay_ms: int = 0) -> AsyncIterator[Mountain]:
    """Over a server that answers as FCM does, in `delay_ms`, in a process of its own."""
    write_certificate(folder)
    port = find_free_port()
    base_url = f"https://localhost:{port}"
    write_service_account(folder / "account.json", base_url)
    command = [sys.executable, "-m", "tests.bench.fcm_server", str(folder), str(port)]
    server = Child("fcm", command, os.environ | {"DELAY_MS": str(delay_ms)}, folder / "fcm.log")
    await server.start()
    owner = await asyncpg.connect(running.admin_url, timeout=60)
    try:
        await _answering(f"{base_url}/count", folder / "ca.pem")
        made = Mountain(running, folder, base_url, owner)
        await made.go_on()
        yield made
        await made.close()
    finally:
        await owner.close()
        await server.stop()


async def _answering(url: str, authority: Path) -> None:
    async with asyncio.timeout(20), httpx.AsyncClient(verify=str(authority), http1=False, http2=True) as client:
        while True:
            try:
                await client.get(url)
            except httpx.HTTPError:
                await asyncio.sleep(0.1)
            else:
                return
