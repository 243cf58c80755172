"""When nothing is sent, because others would fare no better. Known to one process; the parked rows tell the others."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


class Pauses:
    """Until when nothing is sent: to anybody, or to phones that are reached through Apple and web push.

    After a pause for all, one send goes first, and the others only when it has come through: else each pause that was too
    short would cost as many sends as go out at once.
    """

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        self.in_a_row = 0  # pauses for all since something came through
        self._holds = 0
        self._first = asyncio.Lock()

    def hold(self, scope: str, for_s: float) -> None:
        now = time.monotonic()
        until = self._until.get(scope, 0.0)
        self._until[scope] = max(until, now + for_s)
        if scope == "provider":
            self._holds += 1
            self.in_a_row += until <= now  # what was under way when a pause began meets with the same one

    def left_s(self, platform: str | None = None) -> float:
        """Seconds that are left for this platform, or for all; 0 when there is no pause."""
        until = self._until.get("provider", 0.0)
        if platform in ("ios", "web"):
            until = max(until, self._until.get("apple_and_web", 0.0))
        return max(0.0, until - time.monotonic())

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Callable[[], None]]:
        """Waits for one's turn to send, and gives what to call when the answer is one that pauses nobody.

        Look at `left_s` only then: whoever went first may have met with a new pause.
        """
        if self.in_a_row:
            async with self._first:
                if self.in_a_row:
                    yield self._came_through
                    return
        yield self._came_through

    @property
    def _came_through(self) -> Callable[[], None]:
        known = self._holds

        def end_doubt() -> None:
            # What was sent before the latest pause tells nothing about the time after it.
            if self._holds == known:
                self.in_a_row = 0

        return end_doubt
