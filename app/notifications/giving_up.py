"""When a push that fails again and again is given up.

Only time that it has waited for faults of its own counts: an outage of the provider, a pause and our own misconfiguration
kill no push, however long they last.
"""

from __future__ import annotations

import time

from app.notifications.announcement import Target
from app.platform.outcomes import RetryLater

GIVE_UP_AFTER_S = 3600.0
LATELY_S = 600.0


class LatelyTaken:
    """Which kinds of target a push was taken for in the last ten minutes: their provider is not away. Known to one process."""

    def __init__(self) -> None:
        self._at: dict[str, float] = {}

    def note(self, kind: str) -> None:
        self._at[kind] = time.monotonic()

    def any(self, kind: str) -> bool:
        return kind in self._at and time.monotonic() - self._at[kind] < LATELY_S


def is_own_fault(outcome: RetryLater, *, works: bool) -> bool:
    """Whether this push is what fails. `works`: the provider took others lately.

    A 503 says that the provider is away. But one that answers so to this push, and takes others, is not.
    """
    return not outcome.provider_wide or (works and outcome.reason.startswith("unavailable_"))


def is_at_an_end(target: Target) -> bool:
    """Whether a push to this target has failed for so long that it is not tried again."""
    return target.failing_s >= GIVE_UP_AFTER_S
