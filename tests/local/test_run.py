"""`sepakat run` as a person meets it: it comes up, says what is wrong, recovers, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from app.local.leftovers import find_children, find_servers, scratch_folder
from app.local.ports import find_free_ports, is_free
from app.local.run import instance
from app.local.state import StartError

ROOT = Path(__file__).parents[2]


class Started:
    """One `sepakat run` in a process of its own, with its state in `folder`."""

    def __init__(self, folder: Path, ports: tuple[int, int, int, int], **settings: str) -> None:
        self.folder = folder
        self.output = folder.parent / f"{folder.name}-{ports[0]}.output"
        self.api = f"http://localhost:{ports[0]}"
        settings_of_ports = ("SEPAKAT_PORT", "SEPAKAT_FEED_PORT", "SEPAKAT_STAFF_PORT", "SEPAKAT_SIMULATOR_PORT")
        named = zip(settings_of_ports, map(str, ports), strict=True)
        machine = {name: value for name, value in os.environ.items() if not name.startswith("SEPAKAT_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", "run"],
            cwd=ROOT,
            env=machine
            | {"SEPAKAT_ENV": "local", "SEPAKAT_STATE_DIR": str(folder), "COLUMNS": "200"}
            | dict(named)
            | settings,
            stdout=self.output.open("wb"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def said(self) -> str:
        return self.output.read_text()

    def await_up(self) -> None:
        await_that(lambda: "Sepakat is up" in self.said() or self.process.poll() is not None, 40)
        assert self.process.poll() is None, self.said()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        return self.process.wait(40)


def await_that(holds: Callable[[], bool], within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def left_in(folder: Path) -> list[psutil.Process]:
    return [*find_children(folder), *find_servers(folder)]


@pytest.fixture
def folder() -> Iterator[Path]:
    with scratch_folder() as made:
        yield made / "state"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_run_comes_up_within_15_seconds_and_leaves_no_process(folder: Path, how: signal.Signals) -> None:
    began = time.monotonic()
    run = Started(folder, find_free_ports())
    run.await_up()
    assert time.monotonic() - began < 15
    assert httpx.get(f"{run.api}/health/ready").status_code == 200
    assert run.api in run.said()
    assert "Dwi" in run.said()
    assert left_in(folder)

    assert run.stop(how) == 0
    assert left_in(folder) == []


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


def test_a_run_told_to_stop_while_it_starts_leaves_no_process(folder: Path) -> None:
    run = Started(folder, find_free_ports())
    await_that(lambda: (folder / "valkey").exists(), 20)
    assert run.stop(signal.SIGHUP) == 0
    assert left_in(folder) == []


def test_a_taken_port_is_named_with_a_line_to_paste(folder: Path) -> None:
    api, feed, staff, simulator = find_free_ports()
    with socket.create_server(("127.0.0.1", feed)):
        run = Started(folder, (api, feed, staff, simulator))
        assert run.process.wait(20) == 1
    assert f"port {feed} (SEPAKAT_FEED_PORT) is taken" in run.said()
    pasted = run.said().strip().splitlines()[-1].split()
    assert pasted[-2:] == ["make", "run"]
    suggested = dict(word.split("=") for word in pasted[:-2])
    assert suggested.keys() == {
        "SEPAKAT_PORT",
        "SEPAKAT_FEED_PORT",
        "SEPAKAT_STAFF_PORT",
        "SEPAKAT_SIMULATOR_PORT",
    }
    assert all(is_free(int(port)) for port in suggested.values())
    assert not (folder / "postgres").exists()


def test_a_second_start_in_the_same_folder_says_who_is_there(folder: Path) -> None:
    first = Started(folder, find_free_ports())
    await_that(lambda: (folder / "postgres").exists(), 20)
    second = Started(folder, find_free_ports())
    assert second.process.wait(20) == 1
    assert f"runs in {folder} already as process {first.process.pid} at {first.api}" in second.said()
    assert f"SEPAKAT_STATE_DIR={folder}-2 SEPAKAT_PORT=" in second.said()
    assert first.process.poll() is None
    assert first.stop() == 0


def test_two_folders_run_side_by_side(folder: Path) -> None:
    one = Started(folder.with_name("one"), find_free_ports())
    two = Started(folder.with_name("two"), find_free_ports())
    one.await_up()
    two.await_up()
    assert one.stop() == 0
    assert httpx.get(f"{two.api}/health/ready").status_code == 200
    assert two.stop() == 0


@pytest.mark.parametrize("environment", [{}, {"SEPAKAT_ENV": "production"}])
def test_run_refuses_outside_local_mode(folder: Path, environment: dict[str, str]) -> None:
    refused = subprocess.run(
        [sys.executable, "-m", "app.cli", "run"],
        cwd=ROOT,
        env={"SEPAKAT_STATE_DIR": str(folder)} | environment,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert refused.returncode == 2
    assert "set SEPAKAT_ENV=local" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
    assert not folder.exists()


def test_a_port_that_is_none_is_one_clear_line(folder: Path) -> None:
    run = Started(folder, find_free_ports(), SEPAKAT_FEED_PORT="eight")
    assert run.process.wait(20) == 2
    assert run.said() == "sepakat: SEPAKAT_FEED_PORT is a port from 1 to 65535, not 'eight'\n"


async def test_a_killed_process_comes_back(folder: Path) -> None:
    lines: list[str] = []
    api, feed, staff, simulator = find_free_ports()
    async with instance(
        folder,
        api_port=api,
        feed_port=feed,
        staff_port=staff,
        simulator_port=simulator,
        environment={},
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
        environment={},
        durable=False,
    ) as running:
        worker = running.processes["worker"]
        worker.command = [sys.executable, "-c", "raise SystemExit('no work today')"]
        worker.kill()
        with pytest.raises(StartError, match=r"(?s)worker ended 6 times within a minute.*no work today"):
            await running.wait()
    assert left_in(folder) == []


def test_servers_that_exist_are_used_and_the_secrets_are_private(folder: Path) -> None:
    first = Started(folder.with_name("one"), find_free_ports())
    first.await_up()
    assert (folder.with_name("one") / "secrets.json").stat().st_mode & 0o777 == 0o600
    assert set(json.loads((folder.with_name("one") / "secrets.json").read_bytes())) == {
        "secret",
        "feed_secret",
        "passwords",
    }
    socket_folder = folder.with_name("one") / "postgres"
    valkey = next(p for p in find_servers(folder.with_name("one") / "valkey"))
    [port] = {c.laddr.port for c in valkey.net_connections("tcp4") if c.status == psutil.CONN_LISTEN}
    second = Started(
        folder.with_name("two"),
        find_free_ports(),
        SEPAKAT_DATABASE_URL=f"postgresql://postgres@/second?host={socket_folder}&port=5432",
        SEPAKAT_REDIS_URL=f"redis://127.0.0.1:{port}/1",
    )
    second.await_up()
    assert find_servers(folder.with_name("two")) == []
    assert second.stop() == 0
    assert first.stop() == 0


async def eventually_answers(client: httpx.AsyncClient, url: str) -> None:
    for _ in range(200):
        try:
            if (await client.get(url)).status_code == 200:
                return
        except httpx.TransportError:
            pass
        await asyncio.sleep(0.1)
    raise AssertionError(f"{url} did not come back")
