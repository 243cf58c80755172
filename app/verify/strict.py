"""JSON, base64url and hex with one spelling for every value; anything else is refused."""

from __future__ import annotations

import hashlib
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any, NoReturn

SAFE_INTEGER = 2**53 - 1
BASE64URL = re.compile(r"[A-Za-z0-9_-]*")
HEX = re.compile(r"(?:[0-9a-f]{2})*")


class BrokenError(Exception):
    """What was checked does not hold; the message says what and where."""


def require(holds: bool, reason: str) -> None:
    """Raises BrokenError with `reason` unless it holds."""
    if holds is not True:
        raise BrokenError(reason)


def read_json(content: bytes) -> Any:
    """Strict JSON in UTF-8: no doubled member, no fraction, no NaN, no integer past 2^53. Raises BrokenError."""
    try:
        return json.loads(
            content.decode(),
            object_pairs_hook=_pairs,
            parse_float=_refuse,
            parse_constant=_refuse,
            parse_int=_integer,
        )
    except (ValueError, RecursionError) as error:
        raise BrokenError(f"not strict JSON: {error}") from error


def canonical(value: Any) -> bytes:
    """The RFC 8785 form of what `read_json` gives."""
    try:
        return json.dumps(_sorted(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except (UnicodeEncodeError, RecursionError) as error:
        raise BrokenError(f"has no canonical form: {error}") from error


def from_base64url(text: str) -> bytes:
    """Without padding, and only in the one spelling that these bytes have. Raises BrokenError."""
    require(isinstance(text, str) and BASE64URL.fullmatch(text) is not None, "not base64url without padding")
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError as error:
        raise BrokenError("not base64url without padding") from error
    require(to_base64url(raw) == text, "a second spelling of the same base64url")
    return raw


def to_base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def from_hex(text: str, *, length: int | None = None) -> bytes:
    """Lowercase hex. Raises BrokenError."""
    require(isinstance(text, str) and HEX.fullmatch(text) is not None, "not lowercase hex")
    raw = bytes.fromhex(text)
    require(length is None or len(raw) == length, f"not {length} bytes")
    return raw


def integer(value: Any) -> int:
    """An integer that is no boolean. Raises BrokenError."""
    if type(value) is not int:
        raise BrokenError(f"not an integer: {value!r}")
    return value


def sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a member stands twice")
    return made


def _integer(text: str) -> int:
    if text == "-0" or len(text) > 17 or abs(int(text)) > SAFE_INTEGER:
        raise ValueError(f"an integer out of range: {text[:20]}")
    return int(text)


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"only integers are taken, not {text[:20]}")


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        # RFC 8785 sorts by UTF-16 code units
        return {key: _sorted(value[key]) for key in sorted(value, key=lambda key: key.encode("utf-16-be"))}
    return [_sorted(item) for item in value] if isinstance(value, list) else value
