"""A worker that nobody rings finds by itself what time brings: a late case, and an acceptance whose wait is over."""

from __future__ import annotations

from pathlib import Path

from app.local.servers import Postgres, Valkey
from tests.cases.reports import reported_merge
from tests.conftest import Apps
from tests.feed.conftest import Core
from tests.local.running_simulator import RunningSimulator
from tests.workers.running_worker import eventually, run_worker

WITHIN_S = 20.0


async def test_a_worker_tells_of_a_late_case_and_carries_out_an_acceptance(
    fresh_apps: Apps, servers: tuple[Postgres, Valkey], simulator: RunningSimulator, tmp_path: Path
) -> None:
    core = Core(fresh_apps.feed, fresh_apps.database)
    disputed = await reported_merge(fresh_apps.api, fresh_apps.database, core)
    await disputed.dispute()
    accepted = await reported_merge(fresh_apps.api, fresh_apps.database, core)
    assert (await accepted.accept(await accepted.plan())).status_code == 200
    connection = await fresh_apps.database.connect()
    await connection.execute("UPDATE local_clock SET ahead = '73 hours'")  # without the ring of /local/clock
    await connection.close()
    for reported in (disputed, accepted):
        await reported.phone.sign_in()

    async def done() -> bool:
        return "case_overdue" in await disputed.kinds() and (await accepted.merge())["state"] == "accepted"

    log = tmp_path / "worker.log"
    with run_worker(fresh_apps.database, servers[1].url, simulator, log) as worker:
        await eventually(done, WITHIN_S, "both are told")

        async def logged() -> bool:
            return worker.said('"overdue": 1')

        await eventually(logged, 5, "the gauge is in the log")
