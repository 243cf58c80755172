"""At most one run of each name at a time in this process. A ring during a run means one more run after it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

log = structlog.get_logger()

LONGEST_REST_S = 30.0

Run = Callable[[], Awaitable[object]]


class Rounds:
    """Failures are logged, and make the next run of that name wait: the sweep rings again anyway."""

    def __init__(self) -> None:
        self._rung: dict[str, Run] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._closing = asyncio.Event()

    def ring(self, name: str, run: Run) -> None:
        if self._closing.is_set():
            return
        self._rung[name] = run
        if name not in self._running:
            self._running[name] = asyncio.create_task(self._go_round(name))

    def runs(self, name: str) -> bool:
        return name in self._running

    async def close(self, within_s: float) -> None:
        """Lets runs under way come to an end, and cancels those that have not by then."""
        self._closing.set()
        tasks = list(self._running.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=within_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _go_round(self, name: str) -> None:
        failures = 0
        try:
            while (run := self._rung.pop(name, None)) and not self._closing.is_set():
                try:
                    await run()
                    failures = 0
                except Exception as error:
                    failures += 1
                    log.exception("run_failed", run=name, error=type(error).__name__)
                    await self._rest(min(2.0 ** (failures - 1), LONGEST_REST_S))
        finally:
            # Here and not in a callback: a ring between the last look and this line cannot be.
            del self._running[name]

    async def _rest(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._closing.wait(), seconds)
        except TimeoutError:
            return
