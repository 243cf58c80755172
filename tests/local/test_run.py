"""`sepakat run` as a person meets it: it comes up, says what is wrong, and leaves nothing behind."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from app.local.leftovers import find_servers
from app.local.ports import find_free_ports, is_free
from app.local.servers import start_postgres, start_valkey
from tests.local.started_run import ROOT, Started, await_that, left_in


def test_a_run_comes_up_within_15_seconds_and_leaves_no_process(folder: Path) -> None:
    began = time.monotonic()
    run = Started(folder, find_free_ports(), SEPAKAT_API_PROCESSES="2")
    run.await_up()
    assert time.monotonic() - began < 15
    assert httpx.get(f"{run.api}/health/ready").status_code == 200
    assert run.api in run.said()
    assert "Dwi" in run.said()
    assert left_in(folder)
    assert (folder / "secrets.json").stat().st_mode & 0o777 == 0o600
    assert set(json.loads((folder / "secrets.json").read_bytes())) == {"secret", "feed_secret", "passwords"}

    there = (folder / "environment").read_text()
    assert (folder / "environment").stat().st_mode & 0o777 == 0o600
    assert "SEPAKAT_CHILD_OF" not in there  # or the next run would end that terminal's processes
    script = f". {folder}/environment && {sys.executable} -m app.cli merges waiting"
    assert subprocess.run(["sh", "-c", script], cwd=ROOT, check=False).returncode == 0

    assert run.stop() == 0
    assert left_in(folder) == []
    assert not (folder / "environment").exists()


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


@pytest.mark.long
def test_two_folders_run_side_by_side(folder: Path) -> None:
    one = Started(folder.with_name("one"), find_free_ports())
    two = Started(folder.with_name("two"), find_free_ports())
    one.await_up()
    two.await_up()
    assert one.stop(signal.SIGINT) == 0
    assert left_in(one.folder) == []
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


def test_servers_that_exist_are_used(folder: Path) -> None:
    mine, valkey = start_postgres(folder.with_name("mine"), durable=False), start_valkey(folder.with_name("mine"))
    run = Started(
        folder,
        find_free_ports(),
        SEPAKAT_DATABASE_URL=mine.url("second", "postgres"),
        SEPAKAT_REDIS_URL=valkey.url.removesuffix("/0") + "/1",
    )
    run.await_up()
    assert find_servers(folder) == []
    assert run.stop() == 0
    assert mine.process.poll() is valkey.process.poll() is None, "they are not ours to end"
    valkey.stop()
    mine.stop()
