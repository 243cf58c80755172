"""One request, one transaction: opened before the handler, committed before a byte of the answer leaves.

Handlers get `connection`, `now` and `doorbell` as dependencies and never commit. A route says with `opt`:
`transaction=False` (streams, health), `public=True` (no sign-in), `repeatable=True` (a POST without Idempotency-Key).
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, cast
from uuid import UUID, uuid4

import asyncpg
import structlog
from litestar import Request
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from app.platform.database import Connection, Pool, transaction
from app.platform.jobs import Doorbell, Jobs
from app.platform.problems import NotFound, Problem
from app.platform.sql import load, statement

NOW = statement("platform/clock", "now")
IDEMPOTENCY = load("platform/idempotency")
IDEMPOTENCY_KEY_MAX_CHARACTERS = 100
LONGEST_PATH = 300  # characters; longer than any of ours, shorter than what an index row takes
KEPT_HEADERS = (b"content-type", b"etag", b"retry-after")

Identify = Callable[[Connection, Scope], Awaitable[tuple[UUID, datetime]]]
"""Finds out who is asking: (participant_id, now). Raises a Problem (401) when nobody is."""


class IdempotencyKeyMissing(Problem):
    status, code, title = 400, "idempotency_key_missing", "Idempotency-Key is missing"
    indonesian = "Sertakan header Idempotency-Key (1–100 karakter ASCII) yang baru untuk setiap tindakan."
    english = "Send an Idempotency-Key header (1–100 ASCII characters), a new one for each act."


class IdempotencyKeyReused(Problem):
    status, code, title = 422, "idempotency_key_reused", "Idempotency-Key was used for another request"
    indonesian = "Idempotency-Key ini sudah dipakai untuk isi yang lain. Pakai yang baru."
    english = "This Idempotency-Key was used with another body. Use a new one."


class IdempotencyInProgress(Problem):
    status, code, title = 409, "idempotency_in_progress", "The same request is still running"
    indonesian = "Permintaan yang sama masih diproses. Kirim lagi yang sama sebentar lagi."
    english = "The same request is still being worked on. Send the same again in a moment."


class _RefusedError(Exception):
    """Carries the way out of the transaction for an answer that must not commit."""


class Transactions:
    """ASGI middleware. `identify` is called first in the transaction of every route that is not public."""

    def __init__(
        self, app: ASGIApp, *, pool: Callable[[], Pool], jobs: Callable[[], Jobs], identify: Identify, wait_s: float
    ) -> None:
        self.app, self.pool, self.jobs, self.identify, self.wait_s = app, pool, jobs, identify, wait_s

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        opt = scope["route_handler"].opt
        if scope["type"] != "http" or opt.get("transaction") is False:
            await self.app(scope, receive, send)
            return
        doorbell = scope["state"]["doorbell"] = Doorbell()
        answer: list[Message] = []
        try:
            async with transaction(self.pool(), wait_s=self.wait_s) as connection:
                scope["state"]["connection"] = connection
                if opt.get("public"):
                    scope["state"]["now"] = await connection.fetchval(NOW)
                    await self._answer(scope, receive, answer)
                else:
                    participant_id, scope["state"]["now"] = await self.identify(connection, scope)
                    await self._answer_once(connection, participant_id, scope, receive, answer)
        except _RefusedError:
            pass
        else:
            self.jobs().ring_soon(doorbell)
        for message in answer:
            await send(message)

    async def _answer(self, scope: Any, receive: Receive, answer: list[Message]) -> None:
        async def hold(message: Message) -> None:
            answer.append(message)

        await self.app(scope, receive, hold)
        state = scope["state"]
        if state.get("refused") and not state.get("keep_trace"):
            raise _RefusedError

    async def _answer_once(
        self, connection: Connection, participant_id: UUID, scope: Any, receive: Receive, answer: list[Message]
    ) -> None:
        """Runs the handler, or gives the answer that it gave before to the same Idempotency-Key."""
        if scope["method"] != "POST" or scope["route_handler"].opt.get("repeatable"):
            await self._answer(scope, receive, answer)
            return
        request = _request_name(scope)
        body_hash = hashlib.sha256(scope["state"].get("body", b"")).digest()
        try:
            taken = await connection.fetchval(IDEMPOTENCY["take"], participant_id, request, body_hash)
        except asyncpg.LockNotAvailableError:
            raise IdempotencyInProgress from None
        if taken:
            await self._answer(scope, receive, answer)
            await connection.execute(IDEMPOTENCY["keep"], participant_id, request, *_kept(answer))
            return
        kept = await connection.fetchrow(IDEMPOTENCY["kept"], participant_id, request)
        if kept is None or kept["status"] is None:
            raise IdempotencyInProgress
        if kept["body_hash"] != body_hash:
            raise IdempotencyKeyReused
        headers = [(name.encode(), value.encode()) for name, value in kept["headers"]]
        answer.append({"type": "http.response.start", "status": kept["status"], "headers": headers})
        answer.append({"type": "http.response.body", "body": kept["answer"], "more_body": False})


def idempotency_key(scope: Any) -> str:
    """The key of a request. Raises IdempotencyKeyMissing."""
    key: bytes = dict(scope["headers"]).get(b"idempotency-key", b"")
    if not 0 < len(key) <= IDEMPOTENCY_KEY_MAX_CHARACTERS or not all(33 <= byte <= 126 for byte in key):
        raise IdempotencyKeyMissing
    return key.decode("ascii")


def _request_name(scope: Any) -> str:
    if len(scope["path"]) > LONGEST_PATH or not scope["path"].isprintable():
        raise NotFound
    return f"{scope['method']} {scope['path']} {idempotency_key(scope)}"


def _kept(answer: list[Message]) -> tuple[int, list[tuple[str, str]], bytes]:
    start, *rest = cast("list[Any]", answer)
    headers = [(name.decode(), value.decode()) for name, value in start["headers"] if name.lower() in KEPT_HEADERS]
    body = b"".join(message.get("body", b"") for message in rest)
    headers.append(("content-length", str(len(body))))
    return start["status"], headers, body


class RequestIds:
    """Gives every request an id, for `instance` of a problem and for logs."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope["state"]["request_id"] = str(uuid4())
            structlog.contextvars.bind_contextvars(request_id=scope["state"]["request_id"])
        await self.app(scope, receive, send)


async def provide_connection(request: Request[Any, Any, Any]) -> Connection:
    """The connection whose transaction this request is."""
    connection: Connection = request.scope["state"]["connection"]
    return connection


async def provide_now(request: Request[Any, Any, Any]) -> datetime:
    """What time it is, on the one clock: the start of the transaction."""
    now: datetime = request.scope["state"]["now"]
    return now


async def provide_doorbell(request: Request[Any, Any, Any]) -> Doorbell:
    """What is to be rung after the commit."""
    doorbell: Doorbell = request.scope["state"]["doorbell"]
    return doorbell
