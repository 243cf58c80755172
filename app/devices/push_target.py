"""Where pushes for this phone go."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from litestar import delete, put
from litestar.di import NamedDependency
from litestar.params import JSONBody

from app.devices.problems import PushKindUnavailable, PushNeedsADevice
from app.identity.enrol import Coordinate
from app.identity.session import SignedIn
from app.identity.statements import read_public_key
from app.platform.database import Connection
from app.platform.problems import RequestInvalid
from app.platform.sql import load
from app.settings import Settings

SQL = load("devices/push_target")


class EncryptionKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A JWK: a P-256 public key to encrypt to and nothing else; `x` and `y` are 32 bytes each, base64url."""

    kty: Literal["EC"]
    crv: Literal["P-256"]
    use: Literal["enc"]
    x: Coordinate
    y: Coordinate


class PushTarget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`value` is FCM's installation id (`fid`) or registration token (`token`), or Huawei's push token (`hms`).

    With an `encryption_key`, and not the one that signs, pushes carry the entries as a JWE for its holder.
    """

    kind: Literal["fid", "token", "hms"]
    value: Annotated[str, msgspec.Meta(pattern="^[!-~]{1,4096}$")]
    platform: Literal["android", "ios", "web"]
    locale: Literal["id", "en"]
    encryption_key: EncryptionKey | None = None


@put("/v1/push-target", status_code=204, opt={"problems": (PushKindUnavailable, PushNeedsADevice)}, tags=["devices"])
async def set_push_target(
    data: JSONBody[PushTarget],
    connection: NamedDependency[Connection],
    who: NamedDependency[SignedIn],
    now: NamedDependency[datetime],
    settings: NamedDependency[Settings],
) -> None:
    """Sets where pushes for this phone go; each phone has one target, and the newest replaces it, key and all.

    Errors: 409 `push_needs_a_device` in a session that was begun by a passkey: it is on no phone in particular;
    409 `push_kind_unavailable` for a kind that is not in the `push_targets` of `/v1/capabilities`.
    """
    if data.kind == "hms" and data.platform != "android":
        raise RequestInvalid(errors=[{"field": "platform", "reason": "hms is for phones with platform android"}])
    if data.kind not in settings.push_kinds:
        raise PushKindUnavailable
    if who.device_id is None:
        raise PushNeedsADevice
    target = (data.kind, data.value, data.platform, data.locale, _read_key(data.encryption_key))
    # A phone that enrolled anew kept its installation: without this it would get every push twice.
    await connection.execute(SQL["take_over"], who.participant_id, who.device_id, data.kind, data.value, now)
    await connection.execute(SQL["set"], who.participant_id, who.device_id, *target, now)


def _read_key(key: EncryptionKey | None) -> dict[str, str] | None:
    """As it is stored. Raises RequestInvalid for a point that is not on the curve."""
    if key is None:
        return None
    jwk: dict[str, str] = msgspec.to_builtins(key)
    try:
        read_public_key({name: jwk[name] for name in ("kty", "crv", "x", "y")})
    except ValueError as error:
        raise RequestInvalid(errors=[{"field": "encryption_key", "reason": str(error)}]) from None
    return jwk


@delete("/v1/push-target", tags=["devices"])
async def clear_push_target(
    connection: NamedDependency[Connection], who: NamedDependency[SignedIn], now: NamedDependency[datetime]
) -> None:
    """No more pushes to this phone, whether it had a target or not. What it would have been told is in the inbox."""
    await connection.execute(SQL["clear"], who.participant_id, who.device_id, now)
