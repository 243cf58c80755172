"""A simulator in its own process, on ports that nobody else uses, and what one asks it over HTTP."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

HOST = "127.0.0.1"
START_TIMEOUT_S = 20.0
# One for all: each client reads the certificates of the whole world. It keeps no connection: simulators end and come back.
http = httpx.Client(limits=httpx.Limits(max_keepalive_connections=0))


class RunningSimulator:
    """`stop()`, `kill()` and `start()` keep the state directory and the ports, as a restart would."""

    def __init__(self, state_dir: Path) -> None:
        self.port = find_two_free_ports()
        self.smtp_port = self.port + 1
        self.base_url = f"http://{HOST}:{self.port}"
        self.state_dir = state_dir
        self.credentials = state_dir / "service-account.json"
        self.hms_credentials = state_dir / "hms-credentials.json"
        self.hms_token_url = f"{self.base_url}/oauth2/v3/token"
        self.journal = state_dir / "messages.jsonl"
        self.start()

    def start(self) -> None:
        environment = {
            **os.environ,
            "SEPAKAT_ENV": "local",
            "SEPAKAT_SIMULATOR_PORT": str(self.port),
            "SEPAKAT_STATE_DIR": str(self.state_dir),
            "SEPAKAT_FCM_CREDENTIALS": str(self.credentials),
            "SEPAKAT_HMS_CREDENTIALS": str(self.hms_credentials),
        }
        command = [sys.executable, "-m", "app.local.simulator"]
        self.process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                pytest.fail(f"the simulator ended at once: {self.process.communicate()[1]}")
            try:
                http.get(f"{self.base_url}/health").raise_for_status()
            except httpx.TransportError:
                time.sleep(0.05)
            else:
                return
        self.kill()
        pytest.fail("the simulator did not answer in time")

    def stop(self) -> int:
        """Asks it to end; its exit status."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Gives it no time for anything."""
        self._end(signal.SIGKILL)

    def script(self, target: str, *outcomes: dict[str, Any]) -> None:
        answer = http.post(f"{self.base_url}/script", json={"target": target, "outcomes": outcomes})
        assert answer.status_code == 204, answer.text

    def set_quota(self, messages: int | None, window_s: float = 60.0) -> None:
        answer = http.put(f"{self.base_url}/quota", json={"messages": messages, "window_s": window_s})
        assert answer.status_code == 204, answer.text

    def quota(self) -> dict[str, Any]:
        """What it counted since it was set."""
        counted: dict[str, Any] = http.get(f"{self.base_url}/quota").raise_for_status().json()
        return counted

    def messages(self, after: int = 0) -> list[dict[str, Any]]:
        answer = http.get(f"{self.base_url}/messages", params={"after": after})
        assert answer.status_code == 200, answer.text
        return [msgspec.json.decode(line) for line in answer.content.splitlines()]

    def pushes_to(self, value: str) -> list[dict[str, Any]]:
        return [line for line in self.messages() if line["channel"] == "push" and line["target"]["value"] == value]

    def tokens_issued(self, whose: str = "tokens_issued") -> int:
        """FCM's; Huawei's are `hms_tokens_issued`."""
        return int(http.get(f"{self.base_url}/health").json()[whose])

    def reset_hms_secret(self) -> bytes:
        """Makes the secret and all access tokens void; the credentials that are valid now, not yet in their file."""
        answer = http.post(f"{self.base_url}/hms/reset-secret")
        assert answer.status_code == 200, answer.text
        return answer.content

    def _end(self, number: signal.Signals) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        status = self.process.wait(timeout=10)
        if self.process.stderr:
            self.process.stderr.close()
        return status


@contextmanager
def run_simulator(state_dir: Path) -> Iterator[RunningSimulator]:
    """One simulator for as long as the block lasts."""
    simulator = RunningSimulator(state_dir)
    try:
        yield simulator
    finally:
        simulator.kill()


def find_two_free_ports() -> int:
    """The first of two neighbours that are free, below the range from which the kernel hands out its own."""
    for port in random.sample(range(20_000, 32_000, 2), 200):
        with socket.socket() as http, socket.socket() as smtp:
            try:
                http.bind((HOST, port))
                smtp.bind((HOST, port + 1))
            except OSError:
                continue
            return port
    pytest.fail("no two free ports side by side")


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    with run_simulator(tmp_path_factory.mktemp("simulator")) as running:
        yield running
