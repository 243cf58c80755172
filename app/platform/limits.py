"""Coarse limits on requests, the same over all processes: one Lua script in Valkey decides and counts in one step.

They keep load and blind guessing down. What must never be passed, such as the tries of a one-time code, is counted in
PostgreSQL. Whom a limit counts stands in Valkey as a keyed pseudonym only. No limit counts a person before they have
signed in: somebody who knows your phone's id uses up their own tries, not yours.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import msgspec
import structlog
from litestar.handlers import HTTPRouteHandler
from litestar.middleware import DefineMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send
from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError

from app.platform.client_address import addresses_by
from app.platform.problems import Busy, Problem
from app.platform.pseudonyms import pseudonym
from app.settings import Settings

log = structlog.get_logger()

DECIDE = (Path(__file__).parent / "limits.lua").read_text(encoding="utf-8")
CONNECTIONS = 8
ANSWER_WITHIN_S = 0.25
AGAIN_AFTER_S = 1.0
PUBLIC, CHANGES = "public", "changes"
DEVICE_FIELDS = (("device_id",), ("proof", "device_id"), ("proof", "credential", "id"))
LONGEST_DEVICE = 200  # characters of an id that are counted

Asker = Callable[[Scope], tuple[UUID, UUID] | None]
"""(participant_id, session_id) of a genuine access token that has not expired, without asking the database."""


class TooManyRequests(Problem):
    status, code, title = 429, "too_many_requests", "Too many requests"
    indonesian = "Terlalu banyak permintaan. Coba lagi dalam {retry_after_s} detik; yang sudah terkirim tidak hilang."
    english = "Too many requests. Try again in {retry_after_s} seconds; what was sent before is not lost."

    def __init__(self, *, retry_after_s: int) -> None:
        super().__init__(headers={"Retry-After": str(retry_after_s)}, retry_after_s=retry_after_s)


class Limit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row of the table. `routes` are `METHOD /path`, or every other route that is `public`, or that `changes` something.

    A client may send `at_once` requests in a burst and `per_minute` in the long run. While Valkey is away, `open` lets
    requests pass and `closed` answers 503 `busy`.
    """

    name: str
    routes: list[str]
    per: Literal["address", "address_and_device", "session", "participant"]
    per_minute: int
    at_once: int
    when_away: Literal["open", "closed"]


def read_limits(path: Path) -> list[Limit]:
    """The table."""
    return msgspec.json.decode(path.read_bytes(), type=list[Limit])


def limits_of(table: Sequence[Limit], method: str, path: str, handler: HTTPRouteHandler) -> list[Limit]:
    """The rows that a route falls under: those that name it, else the one of its kind; none for a route that only reads."""
    if handler.opt.get("unlimited"):
        return []
    named = [limit for limit in table if f"{method} {path}" in limit.routes]
    kind = PUBLIC if handler.opt.get("public") else CHANGES if method not in ("GET", "HEAD", "OPTIONS") else ""
    return named or [limit for limit in table if kind in limit.routes]


class Buckets:
    """The connection to Valkey. After a failure it is left alone for a second, so that requests do not queue for it."""

    def __init__(self, url: str, secret: str) -> None:
        pool: Any = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=ANSWER_WITHIN_S,
            socket_timeout=ANSWER_WITHIN_S,
            socket_connect_timeout=ANSWER_WITHIN_S,
        )
        self._redis: Redis = Redis.from_pool(pool)
        self._decide = self._redis.register_script(DECIDE)  # by its hash; sent anew to a Valkey that does not know it
        self._secret = secret
        self._away_until = 0.0

    async def take(self, counted: Sequence[tuple[Limit, str]]) -> float | None:
        """One from the bucket of each limit and subject: seconds to wait, 0 when it may pass; None while Valkey is away."""
        if time.monotonic() < self._away_until:
            return None
        keys = [f"sepakat:limit:{limit.name}:{pseudonym(self._secret, limit.per, whom)}" for limit, whom in counted]
        rates = [number for limit, _ in counted for number in (60_000_000 // limit.per_minute, limit.at_once)]
        try:
            return int(await self._decide(keys=keys, args=rates)) / 1_000_000
        except (RedisError, OSError, TimeoutError) as error:
            self._away_until = time.monotonic() + AGAIN_AFTER_S
            log.warning("limits_cannot_count", error=type(error).__name__)
            return None

    async def close(self) -> None:
        with suppress(RedisError, OSError):
            await self._redis.aclose(close_connection_pool=True)


def limit_requests(
    table: Sequence[Limit], settings: Settings, asker: Asker, buckets: Callable[[], Buckets]
) -> tuple[DefineMiddleware, DefineMiddleware]:
    """The middleware that stands before the body is read, and the one after it."""
    counted: dict[str, Any] = {
        "table": table if settings.limits == "on" else [],
        "buckets": buckets,
        "asker": asker,
        "addresses": addresses_by(settings.proxies, settings.forwarded_by),
    }
    return DefineMiddleware(Limits, after_body=False, **counted), DefineMiddleware(Limits, after_body=True, **counted)


class Limits:
    """ASGI middleware, before a transaction is opened.

    It stands twice: before the body is read, and `after_body` for the limits of a device, which only the body names.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        table: Sequence[Limit],
        after_body: bool,
        buckets: Callable[[], Buckets],
        asker: Asker,
        addresses: Callable[[Scope], str],
    ) -> None:
        self.app, self.table, self.after_body = app, table, after_body
        self.buckets, self.asker, self.addresses = buckets, asker, addresses
        self._public = [limit for limit in table if PUBLIC in limit.routes]
        self._known: dict[tuple[str, int], list[Limit]] = {}

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            counted = list(self._counted(scope))
            if counted:
                await self._pass(counted)
        await self.app(scope, receive, send)

    async def _pass(self, counted: list[tuple[Limit, str]]) -> None:
        wait_s = await self.buckets().take(counted)
        if wait_s is None:
            if any(limit.when_away == "closed" for limit, _ in counted):
                raise Busy
        elif wait_s > 0:
            raise TooManyRequests(retry_after_s=math.ceil(wait_s))

    def _counted(self, scope: Any) -> Iterable[tuple[Limit, str]]:
        """The limits of this request that are looked at here, with whom each counts."""
        for limit in self._limits(scope):
            if limit.per == "address_and_device":
                device = _device(scope["state"].get("body", b"")) if self.after_body else None
                if device is not None:
                    yield limit, f"{self.addresses(scope)} {device}"
            elif self.after_body:
                continue
            elif limit.per == "address":
                yield limit, self.addresses(scope)
            elif (asker := self.asker(scope)) is not None:
                yield limit, str(asker[0] if limit.per == "participant" else asker[1])
            else:
                # Nobody yet. A token that has expired must hear so, and must not use up anybody's requests.
                yield from ((public, self.addresses(scope)) for public in self._public)

    def _limits(self, scope: Any) -> list[Limit]:
        handler, method = scope["route_handler"], scope["method"]
        known = self._known.get((method, id(handler)))
        if known is None:
            known = limits_of(self.table, method, scope["path_template"], handler)
            self._known[method, id(handler)] = known
        return known


def _device(body: bytes) -> str | None:
    """The phone or passkey that a body says it comes from. The body is strict JSON by now, or empty."""
    try:
        content = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None
    for path in DEVICE_FIELDS:
        value: object = content
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        if isinstance(value, str):
            return value[:LONGEST_DEVICE].lower()
    return None
