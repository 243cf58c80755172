"""What ends although it should not: the run itself, one of its processes once, or one again and again."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from pathlib import Path

import httpx
import psutil
import pytest

from app.local.ports import find_free_ports
from app.local.run import instance
from app.local.state import StartError
from tests.local.started_run import ONE_PROCESS, Started, left_in


@pytest.mark.long
def test_a_start_after_kill_9_ends_what_was_left_and_comes_up(folder: Path) -> None:
    ports = find_free_ports()
    killed = Started(folder, ports)
    killed.await_up()
    secrets = (folder / "secrets.json").read_bytes()
    killed.stop(signal.SIGKILL)
    left = left_in(folder)
    assert {process.name() for process in left} >= {"postgres", "valkey-server"}

    run = Started(folder, ports)  # the very ports that the leftovers hold
    run.await_up()
    assert not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in left)
    assert re.search(r"ended \d+ processes that an earlier run left behind", run.said())
    assert (folder / "secrets.json").read_bytes() == secrets
    assert run.stop() == 0
    assert left_in(folder) == []


@pytest.mark.long
async def test_a_killed_process_comes_back(folder: Path) -> None:
    lines: list[str] = []
    api, feed, staff, simulator = find_free_ports()
    async with instance(
        folder,
        api_port=api,
        feed_port=feed,
        staff_port=staff,
        simulator_port=simulator,
        environment=ONE_PROCESS,
        durable=False,
        say=lines.append,
    ) as running:
        killed = {name: child.pid for name, child in running.processes.items()}
        assert killed.keys() == {"simulator", "api", "feed", "staff", "worker"}
        running.processes["worker"].kill()
        running.processes["api"].kill()
        async with httpx.AsyncClient() as client:
            await eventually_answers(client, f"{running.api}/health/ready")
        assert running.processes["worker"].pid != killed["worker"]
        assert running.processes["api"].pid != killed["api"]
        assert sorted(line.split()[0] for line in lines) == ["api", "worker"]

        await running.restart("feed")
        assert running.processes["feed"].pid != killed["feed"]
        assert len(lines) == 2
    assert left_in(folder) == []


@pytest.mark.long
async def test_a_process_that_keeps_ending_is_given_up_with_its_log(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.local.run.RESTART_AFTER_S", 0.01)
    api, feed, staff, simulator = find_free_ports()
    async with instance(
        folder,
        api_port=api,
        feed_port=feed,
        staff_port=staff,
        simulator_port=simulator,
        environment=ONE_PROCESS,
        durable=False,
    ) as running:
        worker = running.processes["worker"]
        worker.command = [sys.executable, "-c", "raise SystemExit('no work today')"]
        worker.kill()
        with pytest.raises(StartError, match=r"(?s)worker ended 6 times within a minute.*no work today"):
            await running.wait()
    assert left_in(folder) == []


async def eventually_answers(client: httpx.AsyncClient, url: str) -> None:
    for _ in range(200):
        try:
            if (await client.get(url)).status_code == 200:
                return
        except httpx.TransportError:
            pass
        await asyncio.sleep(0.1)
    raise AssertionError(f"{url} did not come back")
