"""Workers killed again and again while they send: nothing is lost, and no phone shows anything twice.

Three worker processes, real PostgreSQL and Valkey, and the simulator, which answers slowly, so that leases are held. Every
half second one worker that holds the lease of a lane is killed with signal 9 and started again, as a supervisor would.
A kill counts only if a lease was left behind. In the end every entry must have reached every phone of its person under the id
that follows from its cause and the phone, whoever sent it and however often.

KILLS kills in all; TIMED judges the time strictly. What went over the wire twice is counted and reported: between the
provider's answer and the note of it a kill leaves no other choice, and a phone replaces the double by its tag.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.local.servers import Valkey
from app.platform.jobs import Doorbell, Jobs
from tests.conftest import SECRET, Database
from tests.local.running_simulator import RunningSimulator
from tests.notifications.changes import post_contribution, post_contributions
from tests.prove.__main__ import say
from tests.prove.forked_worker import ForkedWorker, run_workers
from tests.prove.leases import Leases, Left
from tests.prove.phones import Due, Promised, Sent, hold_to, read_sent
from tests.workers.conftest import AddReachable, Outbox, Reachable
from tests.workers.running_worker import eventually

KILLS = int(os.environ.get("KILLS", "20"))
KILL_EVERY_S = 0.5
WORKERS = 3
PEOPLE = 128
WRITTEN_PER_S = 30
ANSWERS_AFTER_S = (0.05, 0.2)
# Four of the lease, one of the sweep, and the sending; a machine that has other things to do gets longer.
RUNS_AGAIN_WITHIN_S = 15.0 if os.environ.get("TIMED") else 30.0


async def write_all_the_while(database: Database, people: list[Reachable], redis_url: str) -> None:
    """Entries at a steady pace, with their rings, until cancelled."""
    bell = Jobs(redis_url, SECRET)
    try:
        while True:
            began = time.monotonic()
            chosen = random.sample(people, WRITTEN_PER_S // 2)
            await post_contributions(database, [reachable.person for reachable in chosen[1:]])
            await post_contribution(database, chosen[0].person, bulk=True)
            doorbell = Doorbell()
            for reachable in chosen:
                doorbell.ring(reachable.person.participant_id, reachable.lane)
            await bell.ring(doorbell)
            await asyncio.sleep(max(0.0, 0.5 - (time.monotonic() - began)))
    finally:
        await bell.close()


async def answer_slowly(simulator: RunningSimulator) -> None:
    """Keeps so many slow answers scripted as are asked for."""
    while True:
        outcomes = [{"delay_s": round(random.uniform(*ANSWERS_AFTER_S), 3)} for _ in range(2 * WRITTEN_PER_S)]
        await asyncio.to_thread(simulator.script, "*", *outcomes)
        await asyncio.sleep(1.0)


async def kill_one_holder(leases: Leases, workers: list[ForkedWorker], killed_at: dict[str, datetime]) -> list[Left]:
    """Kills and starts again one worker that holds a lease; what it left, or nothing when it had just let go."""
    holders = await leases.holders()
    chosen = [worker for worker in workers if worker.name in holders]
    if not chosen:
        return []
    worker = random.choice(chosen)
    name = worker.name
    killed_at[name] = datetime.now(UTC)
    worker.kill()
    left = await leases.left_by(name)
    worker.start()
    return left


@pytest.mark.timeout(120 + KILLS)
async def test_of_workers_that_are_killed_all_the_while_no_phone_misses_or_sees_anything_twice(
    fresh_database: Database,
    own_valkey: Valkey,
    simulator: RunningSimulator,
    add_reachable: AddReachable,
    outbox: Outbox,
    tmp_path: Path,
) -> None:
    people = [await add_reachable() for _ in range(PEOPLE)]
    leases, promised = Leases(outbox.connection), Promised(outbox.connection)
    await leases.watch()
    await promised.begin()
    every_left: list[Left] = []
    killed_at: dict[str, datetime] = {}
    kills = 0
    with run_workers(WORKERS, fresh_database, own_valkey.url, simulator, tmp_path) as workers:
        around = [
            asyncio.create_task(answer_slowly(simulator)),
            asyncio.create_task(write_all_the_while(fresh_database, people, own_valkey.url)),
        ]
        began = time.monotonic()
        while kills < KILLS:
            # By the clock, so that a busy machine kills no less often.
            await asyncio.sleep(max(0.05, began + (kills + 1) * KILL_EVERY_S - time.monotonic()))
            left = await kill_one_holder(leases, workers, killed_at)
            kills += bool(left)
            every_left += left
            assert not any(task.done() for task in around), "the test itself has failed"
        killed_for_s = time.monotonic() - began
        for task in around:
            task.cancel()
        await asyncio.gather(*around, return_exceptions=True)

        async def drained() -> bool:
            return await outbox.waiting() == 0 and await leases.living() == 0

        drained_s = await eventually(drained, 2 * RUNS_AGAIN_WITHIN_S, "everything is sent and every lease let go")
    sent, due = read_sent(simulator.journal), await promised.due()
    doubles = hold_to(due, sent)
    states = await outbox.connection.fetch("SELECT state, count(*) FROM deliveries GROUP BY state")
    assert {row["state"]: row["count"] for row in states} == {"accepted": len(due)}
    say(
        f"{kills} kills that hit a lease in {killed_for_s:.0f} s; {len(due)} pushes due, all accepted, drained"
        f" {drained_s:.1f} s after; {doubles} doubles on the wire, none shown"
    )
    await judge_recovery(leases, killed_at, every_left, due, sent)


async def judge_recovery(
    leases: Leases, killed_at: dict[str, datetime], every_left: list[Left], due: list[Due], sent: list[Sent]
) -> None:
    """From each kill until somebody had each lane again, and until what had waited in it was accepted.

    Where the next worker was killed as well before it was through, the time runs from that kill.
    """
    ids = defaultdict(list)
    for one in due:
        ids[one.cause_id].append(one.delivery_id)
    accepted = defaultdict(list)
    for push in sent:
        accepted[push.tag].append(push.at)
    taken_s, first_s, all_s, in_all_s, hit_again = [], [], [], [], 0
    for left in every_left:
        if not left.waiting:
            continue
        again = [
            min((at for at in accepted[delivery_id] if at >= left.at), default=left.at)
            for cause_id in left.waiting
            for delivery_id in ids[cause_id]
        ]
        began, takes = left.at, await leases.taken_after(left)
        assert takes, f"nobody took lane {left.lane} again"
        for taken in takes:
            taken_s.append((taken.at - began).total_seconds())
            killed = killed_at.get(taken.worker)
            if killed is None or killed >= max(again):
                break
            began, hit_again = killed, hit_again + 1
        first_s.append((min(at for at in again if at >= began) - began).total_seconds())
        all_s.append((max(again) - began).total_seconds())
        in_all_s.append((max(again) - left.at).total_seconds())
    say(
        f"   {len(all_s)} lanes left behind with rows, {hit_again} of them again before they were through; from the kill until"
    )
    show("taken again", taken_s)
    show("first accepted", first_s)
    show("all accepted", all_s)
    show("all accepted, from the first of the kills that hit them", in_all_s)
    assert max(taken_s) < RUNS_AGAIN_WITHIN_S
    assert max(all_s) < RUNS_AGAIN_WITHIN_S


def show(what: str, seconds: list[float]) -> None:
    """The histogram, a column for each second."""
    ordered = sorted(seconds)
    half, most = ordered[len(ordered) // 2], ordered[len(ordered) * 9 // 10]
    columns = Counter(int(value) for value in ordered)
    bars = " ".join(f"{second}s:{count}" for second, count in sorted(columns.items()))
    say(f"   {what}: n={len(ordered)} p50={half:.1f} s p90={most:.1f} s max={ordered[-1]:.1f} s | {bars}")


async def test_a_worker_that_was_frozen_past_its_lease_writes_nothing_and_no_phone_sees_anything_twice(
    fresh_database: Database,
    own_valkey: Valkey,
    simulator: RunningSimulator,
    add_reachable: AddReachable,
    outbox: Outbox,
    tmp_path: Path,
) -> None:
    dwi = await add_reachable()
    leases, promised = Leases(outbox.connection), Promised(outbox.connection)
    await leases.watch()
    await promised.begin()
    simulator.script(dwi.value, {"delay_s": 1.0})
    with run_workers(2, fresh_database, own_valkey.url, simulator, tmp_path) as workers:
        await post_contributions(fresh_database, [dwi.person], times=3)

        async def sending() -> bool:
            return bool(simulator.pushes_to(dwi.value))

        await eventually(sending, RUNS_AGAIN_WITHIN_S, "the first push is on its way")
        [holder] = await leases.holders()
        frozen, other = sorted(workers, key=lambda worker: worker.name != holder)
        frozen.signal(signal.SIGSTOP)
        left = await leases.left_by(holder)
        assert [one.lane for one in left] == [dwi.lane]

        async def sent_by_the_other() -> bool:
            return await outbox.waiting() == 0

        await eventually(sent_by_the_other, RUNS_AGAIN_WITHIN_S, "the other worker took over")
        assert [taken.worker for taken in await leases.taken_after(left[0])] == [other.name]
        written = await outbox.deliveries()
        frozen.signal(signal.SIGCONT)

        async def noticed() -> bool:
            return frozen.said("lane_lost") == 1

        await eventually(noticed, 5, "the frozen worker learns that its lane is another's")
        assert await outbox.deliveries() == written
    assert [row["attempts"] for row in written] == [1, 1, 1]
    doubles = hold_to(await promised.due(), read_sent(simulator.journal))
    assert doubles >= 1, "the frozen worker had sent one already"
