"""A worker process finds what was published, tells everybody, and pushes what is to be pushed, without its words."""

from __future__ import annotations

from pathlib import Path

from app.local.servers import Valkey
from tests.announcements.conftest import BODY, TITLE, announcement
from tests.conftest import Apps, Database
from tests.feed.conftest import Core
from tests.local.running_simulator import RunningSimulator
from tests.workers.conftest import AddReachable
from tests.workers.running_worker import eventually, run_worker


async def test_what_is_published_reaches_phones(
    fresh_apps: Apps,
    fresh_database: Database,
    add_reachable: AddReachable,
    own_valkey: Valkey,
    simulator: RunningSimulator,
    tmp_path: Path,
) -> None:
    dwi = await add_reachable()
    await Core(fresh_apps.feed, fresh_database).apply(announcement({"all": True}, severity="warning"))
    connection = await fresh_database.connect()

    async def delivered() -> bool:
        holds: bool = await connection.fetchval(
            """SELECT (SELECT state = 'done' AND reached = 1 FROM announcement_runs)
                AND (SELECT count(*) = 1 FROM deliveries WHERE state = 'accepted')"""
        )
        return holds

    with run_worker(fresh_database, own_valkey.url, simulator, tmp_path / "worker.log") as worker:
        await eventually(delivered, 60, "the announcement is pushed")
        assert worker.stop() == 0
    await connection.close()
    (pushed,) = simulator.pushes_to(dwi.value)
    assert not any(words in str(pushed) for words in (*TITLE.values(), *BODY.values()))
