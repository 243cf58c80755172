"""What is accepted as a JSON body: UTF-8, no duplicate keys, bounded size and depth, and strings as `strict_text` has them.

msgspec decodes into structs afterwards; it would keep the last of two equal keys and let NUL into a string, which
PostgreSQL refuses.
"""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import Iterable
from typing import Any

import msgspec
from litestar.types import ASGIApp, Receive, Send

from app.platform.problems import BodyMalformed, BodyTooLarge, RequestInvalid, WrongContentType
from app.platform.strict_text import LONE_SURROGATE, find_bad_text

JSON = "application/json"
DEFAULT_LIMIT_BYTES = 64 * 1024
NEXT_PART_WITHIN_S = 20.0
MOST_TOLD = 20  # bad fields of one request
FORM = "application/x-www-form-urlencoded"
DEEPEST = 64  # levels; msgspec ends in a RecursionError somewhere below 1,000


def check(raw: bytes, *, each: str | None = None) -> None:
    """Raises BodyMalformed, with the reason, unless `raw` is strict JSON; RequestInvalid, with the fields, for its strings.

    Strings below the key `each` are left to the handler, which refuses one item of that list and takes the others; lone
    surrogates are refused there too, since they are no UTF-8.
    """
    value = _decode(raw)
    if each is not None and isinstance(value, dict):
        _check_surrogates(value.get(each))
        value = {name: content for name, content in value.items() if name != each}
    errors = [{"field": path, "reason": reason} for path, reason in find_bad_text(value)]
    if errors:
        raise RequestInvalid(errors=errors[:MOST_TOLD])


def decode_item(raw: bytes) -> Any:
    """The value of strict JSON, whose strings are left to the handler. Raises BodyMalformed with the reason."""
    value = _decode(raw)
    _check_surrogates(value)
    return value


def _decode(raw: bytes) -> Any:
    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
        _check_depth(value)
    except UnicodeDecodeError:
        raise BodyMalformed(reason="not UTF-8") from None
    except RecursionError:
        raise BodyMalformed(reason="nested too deeply") from None
    except json.JSONDecodeError as error:
        raise BodyMalformed(reason=f"{error.msg} at byte {error.pos}") from None
    except ValueError as error:
        raise BodyMalformed(reason=str(error)) from None
    return value


def _check_surrogates(value: object) -> None:
    if LONE_SURROGATE.search(json.dumps(value, ensure_ascii=False)):
        raise BodyMalformed(reason="half of a surrogate pair")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return members


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _check_depth(value: object) -> None:
    level: list[object] = [value]
    for _ in range(DEEPEST):
        level = [inner for item in level for inner in _inside(item)]
        if not level:
            return
    raise ValueError(f"nested more than {DEEPEST} levels deep")


def _inside(item: object) -> Iterable[object]:
    if isinstance(item, dict):
        return item.values()
    return item if isinstance(item, list) else ()


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of an act that needs no words: `{}`."""


class StrictBody:
    """Reads the whole body before the handler is called, checks it, and leaves its bytes in `scope["state"]["body"]`.

    An empty body of a POST is `{}`. A route sets its own limit with `opt={"body_limit": bytes}`, and takes a form instead of
    JSON with `opt={"form": True}`, or files of other types with `opt={"body_types": (…)}`; those are not looked at here.
    A route that judges the items of a list one by one names the list with `opt={"each": key}`; one that takes bodies packed
    with gzip says with `opt={"unpacked_limit": bytes}` how large they may be unpacked, and finds them unpacked in
    `scope["state"]["unpacked"]`. One that is `spooled` reads its body itself, part after part (app/platform/spool.py).
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        opt = scope["route_handler"].opt
        if opt.get("spooled"):
            await self.app(scope, receive, send)
            return
        raw = await _read(receive, headers, int(opt.get("body_limit", DEFAULT_LIMIT_BYTES)))
        unpacked = _unpack(raw, headers, opt.get("unpacked_limit"))
        if raw:
            accepted: tuple[str, ...] = opt.get("body_types", (FORM if opt.get("form") else JSON,))
            content_type, _, parameters = headers.get(b"content-type", b"").decode("latin-1").lower().partition(";")
            content_type = content_type.strip()
            if content_type not in accepted or not _in_utf8(content_type, parameters):
                raise WrongContentType(accepted=", ".join(accepted))
            if content_type == JSON:
                check(unpacked, each=opt.get("each"))
        scope["state"]["body"], scope["state"]["unpacked"] = raw, unpacked
        # nothing to say is said by an empty object
        read = unpacked or (b"{}" if scope["method"] == "POST" else b"")
        given = False

        async def receive_again() -> Any:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": read, "more_body": False}

        await self.app(scope, receive_again, send)


def _in_utf8(content_type: str, parameters: str) -> bool:
    """JSON has no charset (RFC 8259, 11); that of everybody's client is let pass, any other would be read wrongly."""
    pairs = [part.partition("=") for part in parameters.split(";")]
    named = [value.strip(' "') for name, _, value in pairs if name.strip() == "charset"]
    return content_type != JSON or all(charset in ("utf-8", "utf8") for charset in named)


def _unpack(raw: bytes, headers: dict[bytes, bytes], limit: int | None) -> bytes:
    """The body as its content-encoding packed it: not at all, or with gzip where the route takes that."""
    encoding = headers.get(b"content-encoding", b"identity").strip().lower()
    if encoding == b"identity":
        return raw
    if encoding != b"gzip" or limit is None:
        raise WrongContentType(accepted="content-encoding: identity" + (", gzip" if limit else ""))
    member = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        unpacked = member.decompress(raw, limit + 1)
    except zlib.error:
        raise BodyMalformed(reason="not gzip") from None
    if len(unpacked) > limit or member.unconsumed_tail:
        raise BodyTooLarge(limit=limit)
    if not member.eof:
        raise BodyMalformed(reason="the gzip is cut off")
    if member.unused_data:  # millions of empty members would cost more than all else, before anybody has signed
        raise BodyMalformed(reason="something follows the gzip")
    return unpacked


async def _read(receive: Receive, headers: dict[bytes, bytes], limit: int) -> bytes:
    declared = headers.get(b"content-length", b"0")
    if declared.isdigit() and int(declared) > limit:
        raise BodyTooLarge(limit=limit)
    body = bytearray()
    while True:
        try:
            async with asyncio.timeout(NEXT_PART_WITHIN_S):
                message: Any = await receive()
        except TimeoutError:
            message = {"type": "http.disconnect"}
        if message["type"] != "http.request":
            raise BodyMalformed(reason="the body was cut off")
        body += message["body"]
        if len(body) > limit:
            raise BodyTooLarge(limit=limit)
        if not message.get("more_body"):
            return bytes(body)
