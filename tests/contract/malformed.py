"""Bodies that no route may take, made from one that it might: whatever refuses them, it is their form. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

JSON = "application/json"
LIMIT_BYTES = 64 * 1024
Malformed = tuple[str, bytes, str]
"""What is wrong, the body, its content type."""

UNSEEN = "\x00 \x01 \x08 \x1b \x1f \x7f \x80 \x85 \x9f \xad \u034f \u061c \u115f \u180e \u200b \u200d \u200e \u200f \u2028 \u2029"
UNSEEN += " \u202a \u202d \u202e \u2060 \u2066 \u2069 \u3164 \ufeff \ufff9 \ufdd0 \ufffe \uffff \U0001fffe \U000e0041 \U0010ffff"
HALVES = [rb"\ud800", rb"\udbff", rb"\udc00", rb"\udfff", rb"\udc00\ud800", rb"\ud800\ud800", rb"a\ud83d"]
NOT_UTF8 = [
    b"\xff",
    b"\xfe\xff",
    b"\xc0\x80",
    b"\xc3",
    b"\xe2\x82",
    b"\xed\xa0\x80",
    b"\xf5\x80\x80\x80",
    b"\xf8\x88\x80\x80\x80",
]
NO_VALUES = [
    "NaN",
    "Infinity",
    "-Infinity",
    "undefined",
    "nil",
    "True",
    "0x10",
    "01",
    "+1",
    ".5",
    "1.",
    "1e",
    "'a'",
    "`a`",
    "//",
]
WRONG_TYPES = [
    "text/plain",
    "text/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/msgpack",
    "application/xml",
    "application/json-patch+json",
    "application/json; charset=utf-16",
    "application/json; charset=iso-8859-1",
    "application/json;charset=",
    "*/*",
    "",
]


def malformed(fitting: dict[str, Any]) -> Iterator[Malformed]:
    """Some 150 of them."""
    raw = json.dumps(fitting).encode()
    for end in sorted({1, 2, len(raw) // 4, len(raw) // 2, len(raw) - 2, len(raw) - 1} - {0, len(raw)}):
        yield f"cut off after {end}", raw[:end], JSON
    for tail in (b"}", b",", b"x", b"\x00", b"{}", raw, b"/* */"):
        yield f"followed by {tail[:8]!r}", raw + tail, JSON
    for encoding in ("utf-8-sig", "utf-16", "utf-16-le", "utf-32"):
        yield encoding, raw.decode().encode(encoding), JSON
    yield from _strings(fitting)
    for value in NO_VALUES:
        yield f"the value {value}", _with(fitting, "x", value.encode()), JSON
    yield "a number of 5,000 digits", _with(fitting, "x", b"1" * 5_000), JSON
    for name in list(fitting)[:3] or ["x"]:
        member = json.dumps({name: fitting.get(name, 1)})[1:-1].encode()
        yield f"{name} twice", b"{" + member + b"," + member + b"}", JSON
    yield "a key twice, further in", b'{"x":{"a":1,"a":2}}', JSON
    yield "a trailing comma", raw[:-1] + b",}", JSON
    yield "keys without quotes", b"{x:1}", JSON
    for levels in (65, 200, 900, 5_000, 30_000):
        yield f"{levels} lists deep", b'{"x":' + b"[" * levels + b"]" * levels + b"}", JSON
        yield f"{levels} objects deep", b'{"x":' * levels + b"1" + b"}" * levels, JSON
        yield f"{levels} deep and open", b"[" * levels, JSON
    yield "64 KiB and a byte", raw + b" " * (LIMIT_BYTES + 1 - len(raw)), JSON
    for content_type in WRONG_TYPES:
        yield f"sent as {content_type!r}", raw, content_type


def _strings(fitting: dict[str, Any]) -> Iterator[Malformed]:
    for character in UNSEEN.split(" "):
        code = f"U+{ord(character):04X}"
        yield f"{code} in a value", _with(fitting, "x", json.dumps(f"a{character}b").encode()), JSON
        yield f"{code} in a key", _with(fitting, f"a{character}b", b"1"), JSON
        yield f"{code} as it is", _with(fitting, "x", f'"a{character}b"'.encode()), JSON
    for half in HALVES:
        yield f"{half!r} in a value", _with(fitting, "x", b'"' + half + b'"'), JSON
        yield f"{half!r} in a key", b'{"' + half + b'":1}', JSON
    for some in NOT_UTF8:
        yield f"{some!r} in a value", _with(fitting, "x", b'"' + some + b'"'), JSON
    for spelt in ("e\u0301", "A\u030a", "\u212b", "\u1100\u1161"):
        yield f"{spelt!a}, not in NFC", _with(fitting, "x", json.dumps(spelt).encode()), JSON
    yield "a line break in a string", _with(fitting, "x", b'"a\nb"'), JSON
    yield "an unknown escape", _with(fitting, "x", rb'"\x41"'), JSON


def _with(fitting: dict[str, Any], name: str, value: bytes) -> bytes:
    """The body with one more member, whose value is spelt like this."""
    rest = b", " + json.dumps(fitting).encode()[1:-1] if fitting else b""
    return b"{" + json.dumps(name).encode() + b":" + value + rest + b"}"


def fitting_body(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """The smallest value that a schema of ours takes."""
    if "$ref" in schema:
        return fitting_body(schemas[schema["$ref"].rsplit("/", 1)[1]], schemas)
    for choice in ("oneOf", "anyOf", "allOf"):
        if choice in schema:
            return fitting_body(schema[choice][0], schemas)
    if "const" in schema or "enum" in schema:
        return schema.get("const", (schema.get("enum") or [None])[0])
    match schema.get("type"):
        case "object":
            wanted = schema.get("required", [])
            return {
                name: fitting_body(inner, schemas)
                for name, inner in schema.get("properties", {}).items()
                if name in wanted
            }
        case "array":
            return [fitting_body(schema.get("items", {}), schemas)] * max(1, schema.get("minItems", 0))
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case "string":
            return _text(schema)
    return None


def _text(schema: dict[str, Any]) -> str:
    known: dict[str, str] = {
        "uuid": "01937f5e-7a40-7cc1-8f6e-3a2b1c0d9e8f",
        "date": "1990-05-17",
        "date-time": "2026-11-25T00:00:00Z",
    }
    return known.get(schema.get("format", ""), "9" * int(schema.get("minLength", 11)))
