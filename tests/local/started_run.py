"""`sepakat run` in a process of its own, and what it leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from app.local.leftovers import find_children, find_servers

ROOT = Path(__file__).parents[2]
ONE_PROCESS = {"SEPAKAT_API_PROCESSES": "1"}
"""Half the time to come up; a test that is about more says so."""


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
            | ONE_PROCESS
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
