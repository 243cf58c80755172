"""GET /v1/capabilities: what works in this installation. A client shows nothing else: no menu leads nowhere."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from litestar import Request, get
from litestar.di import NamedDependency

from app.platform.relying_party import find_relying_party
from app.settings import Settings


class Paused(msgspec.Struct, frozen=True):
    """Nothing is executed since then, for this reason; what was confirmed waits, and can be cancelled."""

    since: datetime
    reason: str


class Capabilities(msgspec.Struct, frozen=True):
    """`routes` are `METHOD /path` as this installation serves them; durations are seconds; `simulator`, in local mode, is
    where what reached phones is shown.

    `channels` reach a person outside the app here: `push`, `mail`, `sms`.
    """

    version: str
    local: bool
    simulator: str | None
    languages: list[str]
    proofs: list[str]
    push_targets: list[str]
    channels: list[str]
    merge_cooling_off_s: int
    merge_undo: bool
    plan_ttl_s: int
    merges_paused: Paused | None
    routes: list[str]


@get("/v1/capabilities", opt={"public": True}, tags=["machines"])
async def capabilities(
    request: Request[Any, Any, Any],
    settings: NamedDependency[Settings],
    merges_paused: NamedDependency[Paused | None],
) -> Capabilities:
    """What works here, read off the routes that are really served."""
    routes = [
        f"{method} {route.path_format}"
        for route in request.app.routes
        for method in sorted(getattr(route, "methods", ()))
        if route.path.startswith("/v1/") and method not in ("OPTIONS", "HEAD")
    ]
    return Capabilities(
        version="0.1.0",
        local=settings.local,
        simulator=settings.simulator_url,
        languages=["id", "en"],
        proofs=["device_key", "passkey"] if find_relying_party(settings) else ["device_key"],
        push_targets=settings.push_kinds,
        channels=_channels(settings),
        merge_cooling_off_s=settings.merge_cooling_off_s,
        merge_undo=True,
        plan_ttl_s=settings.plan_ttl_s,
        merges_paused=merges_paused,
        routes=sorted(routes),
    )


def _channels(settings: Settings) -> list[str]:
    set_up = {
        "push": settings.fcm_credentials or settings.hms_credentials,
        "mail": settings.smtp_url,
        "sms": settings.sms_url,
    }
    return [channel for channel, setting in set_up.items() if setting]
