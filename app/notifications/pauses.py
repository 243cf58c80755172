"""When nothing is sent, because others would fare no better. Known to one process; the parked rows tell the others."""

from __future__ import annotations

import time


class Pauses:
    """Until when nothing is sent: to anybody, or to phones that are reached through Apple and web push."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def hold(self, scope: str, for_s: float) -> None:
        self._until[scope] = max(self._until.get(scope, 0.0), time.monotonic() + for_s)

    def left_s(self, platform: str | None = None) -> float:
        """Seconds that are left for this platform, or for all; 0 when there is no pause."""
        until = self._until.get("provider", 0.0)
        if platform in ("ios", "web"):
            until = max(until, self._until.get("apple_and_web", 0.0))
        return max(0.0, until - time.monotonic())
