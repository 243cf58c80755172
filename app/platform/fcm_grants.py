"""Google's access token for FCM: kept, shared by all sends, and renewed before it ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import msgspec

from app.platform.outcomes import Misconfigured, RetryLater

_REFRESH_AHEAD_S = 300.0
_USABLE_S = 30.0
_FAILURE_HOLD_S = 2.0

Failure = RetryLater | Misconfigured


class Grant(msgspec.Struct, frozen=True):
    """Leave to send for one project until `expires_at` (seconds since 1970)."""

    project_id: str
    token: str
    expires_at: float

    def __repr__(self) -> str:
        return f"Grant(project_id={self.project_id!r})"


class Grants:
    """The access token: fetched in a thread, once for all who wait, ahead of its end."""

    def __init__(self, fetch: Callable[[], Grant | Failure]) -> None:
        """`fetch` may block for as long as its own timeouts allow; it is called in a thread."""
        self._ask = fetch
        self._grant: Grant | None = None
        self._failure: tuple[float, Failure] | None = None
        self._fetching: asyncio.Task[Grant | Failure] | None = None

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
