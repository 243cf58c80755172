"""Where pushes for this phone go."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from litestar import delete, put
from litestar.di import NamedDependency
from litestar.params import JSONBody

from app.devices.problems import PushKindUnavailable, PushNeedsADevice
from app.identity.session import SignedIn
from app.platform.database import Connection
from app.platform.problems import RequestInvalid
from app.platform.sql import load
from app.settings import Settings

SQL = load("devices/push_target")


class PushTarget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`value` is FCM's installation id (`fid`) or registration token (`token`), or Huawei's push token (`hms`)."""

    kind: Literal["fid", "token", "hms"]
    value: Annotated[str, msgspec.Meta(pattern="^[!-~]{1,4096}$")]
    platform: Literal["android", "ios", "web"]
    locale: Literal["id", "en"]


@put("/v1/push-target", status_code=204, opt={"problems": (PushKindUnavailable, PushNeedsADevice)}, tags=["devices"])
async def set_push_target(
    data: JSONBody[PushTarget],
    connection: NamedDependency[Connection],
    who: NamedDependency[SignedIn],
    now: NamedDependency[datetime],
    settings: NamedDependency[Settings],
) -> None:
    """Sets where pushes for this phone go; each phone has one target, and the newest replaces it.

    Errors: 409 `push_needs_a_device` in a session that was begun by a passkey: it is on no phone in particular;
    409 `push_kind_unavailable` for a kind that is not in the `push_targets` of `/v1/capabilities`.
    """
    if data.kind == "hms" and data.platform != "android":
        raise RequestInvalid(errors=[{"field": "platform", "reason": "hms is for phones with platform android"}])
    if data.kind not in settings.push_kinds:
        raise PushKindUnavailable
    if who.device_id is None:
        raise PushNeedsADevice
    target = (data.kind, data.value, data.platform, data.locale)
    # A phone that enrolled anew kept its installation: without this it would get every push twice.
    await connection.execute(SQL["take_over"], who.participant_id, who.device_id, data.kind, data.value, now)
    await connection.execute(SQL["set"], who.participant_id, who.device_id, *target, now)


@delete("/v1/push-target", tags=["devices"])
async def clear_push_target(
    connection: NamedDependency[Connection], who: NamedDependency[SignedIn], now: NamedDependency[datetime]
) -> None:
    """No more pushes to this phone, whether it had a target or not. What it would have been told is in the inbox."""
    await connection.execute(SQL["clear"], who.participant_id, who.device_id, now)
