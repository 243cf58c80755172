"""FCM's quota of messages a minute, counted over a sliding one, and what is needed to prove that nobody passes it. Pure."""

from __future__ import annotations

import math
from collections import deque
from typing import Annotated, Any

import msgspec

QUOTA_FAILURE = "type.googleapis.com/google.rpc.QuotaFailure"


class QuotaSetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`messages` in any `window_s` seconds; None takes whatever comes, and counts on."""

    messages: Annotated[int, msgspec.Meta(ge=0)] | None = None
    window_s: Annotated[float, msgspec.Meta(gt=0, le=600)] = 60.0


class Quota:
    """All requests are counted, those refused too: whoever keeps below the quota is never refused."""

    def __init__(self) -> None:
        self.set(QuotaSetting())

    def set(self, setting: QuotaSetting) -> None:
        """From now on, with nothing counted so far."""
        self._setting = setting
        self._came: deque[float] = deque()
        self._taken: deque[float] = deque()
        self._refused_at = self._not_before = -math.inf
        self._most = self._refused = 0
        self._early: list[float] = []

    def refuse(self, now: float) -> int | None:
        """One request at this moment (seconds of a clock that never goes back): None, or its Retry-After in seconds."""
        begin = now - self._setting.window_s
        for times in (self._came, self._taken):
            while times and times[0] <= begin:
                times.popleft()
        self._came.append(now)
        self._most = max(self._most, len(self._came))
        if now < self._not_before:
            self._early.append(now - self._refused_at)
        elif self._setting.messages is None or len(self._taken) < self._setting.messages:
            self._taken.append(now)
            return None
        else:
            # Until a good part of the quota is there again, as a minute of FCM's would bring.
            freed = self._taken[len(self._taken) // 2] if self._taken else now
            self._refused_at = now
            self._not_before = now + max(1, math.ceil(freed + self._setting.window_s - now))
        self._refused += 1
        return math.ceil(self._not_before - now)

    def show(self, now: float) -> dict[str, Any]:
        """`most` requests in any window so far, how many in the last one, and how long after a refusal the early ones came."""
        begin = now - self._setting.window_s
        return {
            "messages": self._setting.messages,
            "window_s": self._setting.window_s,
            "most": self._most,
            "last": sum(came > begin for came in self._came),
            "refused": self._refused,
            "early": len(self._early),
            "latest_early_s": max(self._early, default=0.0),
        }


def failure() -> dict[str, Any]:
    """The detail that tells this quota from that of one device."""
    return {"@type": QUOTA_FAILURE, "violations": [{"subject": "project", "description": "Messages per minute"}]}
