"""A provider's access token: kept, shared by all sends, and renewed before it ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import msgspec

from app.platform.outcomes import Misconfigured, Outcome, RetryLater

_REFRESH_AHEAD_S = 300.0
_USABLE_S = 30.0
_FAILURE_HOLD_S = 2.0

Failure = RetryLater | Misconfigured


class Grant(msgspec.Struct, frozen=True):
    """Leave to send for one project (Huawei: app) until `expires_at` (seconds since 1970)."""

    project_id: str
    token: str
    expires_at: float

    def __repr__(self) -> str:
        return f"Grant(project_id={self.project_id!r})"


class Refused(msgspec.Struct, frozen=True):
    """The provider did not take our access token; `outcome` is what that means when it takes no fresh one either."""

    outcome: Misconfigured


class Grants:
    """The access token: fetched in a thread, once for all who wait, ahead of its end."""

    def __init__(self, fetch: Callable[[], Grant | Failure]) -> None:
        """`fetch` may block for as long as its own timeouts allow; it is called in a thread."""
        self._ask = fetch
        self._grant: Grant | None = None
        self._failure: tuple[float, Failure] | None = None
        self._fetching: asyncio.Task[Grant | Failure] | None = None

    async def send(self, post: Callable[[Grant], Awaitable[Outcome | Refused]]) -> Outcome:
        """What came of one post, or of a second with a fresh access token where the first was refused."""
        grant = await self.current()
        if not isinstance(grant, Grant):
            return grant
        outcome = await post(grant)
        if not isinstance(outcome, Refused):
            return outcome
        grant = await self.renew(grant)
        if not isinstance(grant, Grant):
            return grant
        outcome = await post(grant)
        return outcome.outcome if isinstance(outcome, Refused) else outcome

    async def current(self) -> Grant | Failure:
        left_s = self._grant.expires_at - time.time() if self._grant else 0.0
        if self._grant is None or left_s < _USABLE_S:
            return await self._fetch()
        if left_s < _REFRESH_AHEAD_S:
            self._start()
        return self._grant

    async def renew(self, refused: Grant) -> Grant | Failure:
        """A token other than the refused one: somebody else may have fetched it meanwhile."""
        if self._grant is not None and self._grant.token != refused.token:
            return self._grant
        self._grant = None
        return await self._fetch()

    async def _fetch(self) -> Grant | Failure:
        # Shielded: one sender giving up must not take the token from those who wait with it.
        return await asyncio.shield(self._start())

    def _start(self) -> asyncio.Task[Grant | Failure]:
        if self._fetching is None or self._fetching.done():
            self._fetching = asyncio.create_task(self._run())
        return self._fetching

    async def _run(self) -> Grant | Failure:
        if self._failure and time.monotonic() - self._failure[0] < _FAILURE_HOLD_S:
            return self._failure[1]  # a thousand waiting sends must not knock a thousand times
        fetched = await asyncio.to_thread(self._ask)
        if isinstance(fetched, Grant):
            self._grant, self._failure = fetched, None
        else:
            self._failure = (time.monotonic(), fetched)
        return fetched
