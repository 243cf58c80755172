"""Headers that every answer carries, refusals of the router included; and which other origins may read one.

A handler that sets one of them itself is left alone: pages bring their own policy, and what may be kept says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litestar.config.cors import CORSConfig
from litestar.types import Message, Scope

ALWAYS: dict[bytes, bytes] = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"x-frame-options": b"DENY",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"cache-control": b"no-store",
    b"content-security-policy": b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}
PREFLIGHT_KEPT_S = 600
HSTS = (b"strict-transport-security", b"max-age=63072000; includeSubDomains")


class SecurityHeaders:
    """For `Litestar(before_send=…)`. `policies` are Content-Security-Policies by the path below which they hold."""

    def __init__(self, *, https_only: bool, policies: Mapping[str, str]) -> None:
        self.always = dict([*ALWAYS.items(), HSTS]) if https_only else ALWAYS
        self.policies = {path: policy.encode() for path, policy in policies.items()}

    async def __call__(self, message: Message, scope: Scope) -> None:
        if message["type"] != "http.response.start":
            return
        found: list[tuple[bytes, bytes]] = list(message["headers"])
        set_already = {name.lower() for name, _ in found}
        found += [
            (name, self._value(name, value, scope)) for name, value in self.always.items() if name not in set_already
        ]
        message["headers"] = found

    def _value(self, name: bytes, value: bytes, scope: Any) -> bytes:
        if name != b"content-security-policy":
            return value
        path = scope["path"]
        return next((policy for below, policy in self.policies.items() if path == below or path == f"{below}/"), value)


def cross_origin(origins: list[str]) -> CORSConfig | None:
    """For `Litestar(cors_config=…)`. No cookies are ever used, so no credentials: a page sends its token in a header."""
    if not origins:
        return None
    return CORSConfig(
        allow_origins=origins,
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=[
            "Authorization",
            "Content-Type",
            "Accept-Language",
            "Idempotency-Key",
            "If-None-Match",
            "Last-Event-ID",
        ],
        expose_headers=["ETag", "Retry-After", "Content-Disposition"],
        max_age=PREFLIGHT_KEPT_S,
    )
