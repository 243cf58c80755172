"""The simulator's few lines of ASGI: a request's body and headers in, one answer out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import msgspec

BODY_LIMIT_BYTES = 64 * 1024

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Reply(msgspec.Struct, frozen=True):
    """One HTTP answer; `drop` cuts the connection in the middle of it, a page of the origin `readable_by` may read it."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    retry_after: str = ""
    drop: bool = False
    readable_by: str = ""


def find_header(scope: Scope, name: bytes) -> str:
    """A request header by its lowercase name; empty if absent."""
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def find_local_origin(scope: Scope) -> str:
    """The origin of the page that asks, if this machine serves it; else empty."""
    origin = find_header(scope, b"origin")
    return origin if urlsplit(origin).hostname in ("localhost", "127.0.0.1") else ""


async def read_body(receive: Receive) -> bytes | None:
    """None for a body above the limit."""
    body = bytearray()
    while True:
        event = await receive()
        body += event.get("body", b"")
        if len(body) > BODY_LIMIT_BYTES:
            return None
        if not event.get("more_body"):
            return bytes(body)


async def write_reply(reply: Reply, send: Send) -> None:
    """Sends it whole, or, for `drop`, its beginning."""
    headers = [(b"content-type", reply.content_type.encode())]
    if reply.retry_after:
        headers.append((b"retry-after", reply.retry_after.encode()))
    if reply.readable_by:
        headers += [(b"access-control-allow-origin", reply.readable_by.encode()), (b"vary", b"Origin")]
    if reply.drop:
        # Promising more than is sent leaves the server nothing but to cut the connection.
        headers.append((b"content-length", b"1000"))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body, "more_body": reply.drop})


async def live(receive: Receive, send: Send) -> None:
    """ASGI's lifespan, with nothing to do at either end."""
    while True:
        event = (await receive())["type"]
        await send({"type": f"{event}.complete"})
        if event == "lifespan.shutdown":
            return
