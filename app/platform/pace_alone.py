"""The pace of one process that cannot ask the others: a sixteenth of the quota, so that fourteen of them stay below it."""

from __future__ import annotations

import time

SHARE_ALONE = 1 / 16
BURST_S = 1.0


class PaceAlone:
    """A bucket in memory that begins empty. It knows no devices: a provider's own word about one is heeded as ever."""

    def __init__(self, quota_a_second: float, reserve: float) -> None:
        self._speed = quota_a_second * SHARE_ALONE
        self._capacity = max(2.0, self._speed * BURST_S)
        self._keep = self._capacity * reserve
        self._permits, self._at = 0.0, time.monotonic()

    def take(self, wanted: int, *, urgent: bool) -> tuple[int, float]:
        """How many may go now; when none, the seconds until one may. Bulk leaves a reserve to urgent."""
        now = time.monotonic()
        self._permits = min(self._capacity, self._permits + (now - self._at) * self._speed)
        self._at = now
        keep = 0.0 if urgent else self._keep
        permits = max(0, min(wanted, int(self._permits - keep)))
        self._permits -= permits
        return permits, max(0.0, keep + 1 - self._permits) / self._speed
