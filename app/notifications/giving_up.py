"""When a push that fails again and again is given up.

Only time that it has waited for faults of its own counts: an outage of the provider, a pause and our own misconfiguration
kill no push, however long they last.
"""

from __future__ import annotations

import time
from collections import defaultdict
from uuid import UUID

from app.notifications.notification import Target
from app.platform.outcomes import RetryLater

GIVE_UP_AFTER_S = 3600.0
LATELY_S = 600.0


class Signs:
    """What a process sees of whether those who take a kind of push target work, or are away."""

    def __init__(self) -> None:
        self._taken_at: dict[str, float] = {}
        self._failing: defaultdict[str, set[UUID]] = defaultdict(set)

    def taken(self, target: Target) -> None:
        self._taken_at[target.kind] = time.monotonic()
        self._failing[target.kind].clear()

    def failed(self, target: Target) -> None:
        if len(self._failing[target.kind]) < 2:  # two tell each of the phones that it is not alone
            self._failing[target.kind].add(target.device_id)

    def works(self, target: Target) -> bool:
        """Whether a push was taken in the last ten minutes."""
        return time.monotonic() - self._taken_at.get(target.kind, float("-inf")) < LATELY_S

    def others_fail(self, target: Target) -> bool:
        """Whether pushes to other phones have failed too, and none was taken since."""
        return bool(self._failing[target.kind] - {target.device_id})


def is_own_fault(outcome: RetryLater, target: Target, signs: Signs) -> bool:
    """Whether this push is what fails: others are taken, or it is the only one.

    A 503 says that the provider is away. It is believed unless the provider takes others.
    """
    if outcome.provider_wide:
        return outcome.reason.startswith("unavailable_") and signs.works(target)
    return signs.works(target) or not signs.others_fail(target)


def is_at_an_end(target: Target) -> bool:
    """Whether a push to this target has failed for so long that it is not tried again."""
    return target.failing_s >= GIVE_UP_AFTER_S
