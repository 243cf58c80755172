"""When nothing is sent, because others would fare no better. Known to one process; the parked rows tell the others."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Literal

from app.platform.push import Provider

Scope = Literal["provider", "apple_and_web"]


class Pauses:
    """Until when a provider sends nothing: to anybody, or to phones that it reaches through Apple and web push."""

    def __init__(self, providers: Iterable[Provider]) -> None:
        self._providers = tuple(providers)
        self._until: dict[tuple[Provider | None, Scope], float] = {}

    def hold(self, provider: Provider | None, scope: Scope, for_s: float) -> None:
        """None: the provider of a kind of target that nobody sends to here."""
        key = (provider, scope)
        self._until[key] = max(self._until.get(key, 0.0), time.monotonic() + for_s)

    def left_s(self) -> float:
        """Seconds until one of the providers sends again; 0 when one does."""
        return min((self.left_for_s(provider) for provider in self._providers), default=0.0)

    def left_for_s(self, provider: Provider | None, platform: str | None = None) -> float:
        """Seconds that are left of this provider's pause, for phones of this platform; 0 when there is none."""
        until = self._until.get((provider, "provider"), 0.0)
        if platform in ("ios", "web"):
            until = max(until, self._until.get((provider, "apple_and_web"), 0.0))
        return max(0.0, until - time.monotonic())
