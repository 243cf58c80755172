"""When a push that fails again and again is given up. Pure.

Only time that it has waited for faults of its own counts: an outage of the provider, a pause and our own misconfiguration
kill no push, however long they last.
"""

from __future__ import annotations

from app.notifications.announcement import Target
from app.platform.outcomes import RetryLater

GIVE_UP_AFTER_S = 3600.0


def is_own_fault(outcome: RetryLater, *, works: bool) -> bool:
    """Whether this push is what fails. `works`: the provider took others lately.

    A 503 says that the provider is away. But one that answers so to this push, and takes others, is not.
    """
    return not outcome.provider_wide or (works and outcome.reason.startswith("unavailable_"))


def is_at_an_end(target: Target) -> bool:
    """Whether a push to this target has failed for so long that it is not tried again."""
    return target.failing_s >= GIVE_UP_AFTER_S
