"""`sepakat run`: one instance in the foreground, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import suppress

from rich.console import Console

from app.local.announce import announce
from app.local.run import instance
from app.local.state import state_folder
from app.settings import SettingsError


def run(environment: Mapping[str, str]) -> int:
    """Keeps an instance up; 0 when it was told to stop. Raises StartError, ServerError, SettingsError."""
    if environment.get("SEPAKAT_ENV") != "local":
        raise SettingsError(
            "`sepakat run` starts demo servers and a simulator, for local use only: set SEPAKAT_ENV=local"
            " (`make run` does)"
        )
    return asyncio.run(_serve(environment))


async def _serve(environment: Mapping[str, str]) -> int:
    began = time.monotonic()
    console = Console(highlight=False)

    def say(line: str) -> None:
        with suppress(OSError):  # a terminal that is gone must not stop what runs
            console.print(line, markup=False)

    told = _cancel_when_told()
    try:
        async with instance(
            state_folder(environment),
            api_port=_port(environment, "SEPAKAT_PORT", 8000),
            feed_port=_port(environment, "SEPAKAT_FEED_PORT", 8001),
            staff_port=_port(environment, "SEPAKAT_STAFF_PORT", 8002),
            simulator_port=_port(environment, "SEPAKAT_SIMULATOR_PORT", 8100),
            environment=environment,
            say=say,
        ) as running:
            with suppress(OSError):
                announce(running, time.monotonic() - began, console)
            await running.wait()
    except asyncio.CancelledError:
        if not told:
            raise
        say("stopped")
    return 0


def _cancel_when_told() -> list[signal.Signals]:
    """Cancels the running task at the first signal to stop. The signals that came, in order, as they come."""
    told: list[signal.Signals] = []
    task = asyncio.current_task()

    def stop(name: signal.Signals) -> None:
        told.append(name)
        if len(told) == 1 and task is not None:
            with suppress(OSError):
                print("\nstopping …", file=sys.stderr, flush=True)
            task.cancel()

    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(name, stop, name)
    return told


def _port(environment: Mapping[str, str], setting: str, default: int) -> int:
    text = environment.get(setting) or str(default)
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65_535:
        raise SettingsError(f"{setting} is a port from 1 to 65535, not {text!r}")
    return int(text)
