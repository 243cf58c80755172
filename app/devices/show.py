"""The phones that hold a key of mine, and their names."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import get, patch
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from app.devices.problems import DeviceUnknown
from app.identity.enrol import DeviceName
from app.identity.name_key import check_naming
from app.identity.problems import HoldInForce
from app.identity.session import SignedIn
from app.platform.database import Connection
from app.platform.jobs import Doorbell
from app.platform.sql import load

SQL = load("devices/show")


class Device(msgspec.Struct, frozen=True):
    """`hold_until`: its key confirms nothing before, null when it is free; `current`: the phone that asks."""

    device_id: UUID
    name: str
    platform: str
    added_at: datetime
    hold_until: datetime | None
    current: bool


class Devices(msgspec.Struct, frozen=True):
    devices: list[Device]
    next_cursor: UUID | None


class Rename(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: DeviceName


@get("/v1/devices", tags=["devices"])
async def list_devices(
    connection: NamedDependency[Connection],
    who: NamedDependency[SignedIn],
    now: NamedDependency[datetime],
    cursor: Annotated[UUID | None, QueryParameter()] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=100)] = 50,
) -> Devices:
    """My devices that were not removed, newest first."""
    rows = await connection.fetch(SQL["living"], who.participant_id, who.device_id, now, cursor, limit + 1)
    devices = msgspec.convert(rows[:limit], list[Device])
    return Devices(devices, devices[-1].device_id if len(rows) > limit else None)


@patch("/v1/devices/{device_id:uuid}", opt={"problems": (DeviceUnknown, HoldInForce)}, tags=["devices"])
async def rename_device(
    device_id: FromPath[UUID],
    data: JSONBody[Rename],
    connection: NamedDependency[Connection],
    who: NamedDependency[SignedIn],
    now: NamedDependency[datetime],
    doorbell: NamedDependency[Doorbell],
) -> Device:
    """Gives one of my devices another name, which is an entry. A key on hold names its own phone and no other.

    Errors: 404 `device_unknown`, 403 `hold_in_force {until}`.
    """
    await check_naming(connection, who, device_id, now)
    row = await connection.fetchrow(
        SQL["rename"], who.participant_id, device_id, data.name, who.device_id, now, who.key_id
    )
    if row is None:
        raise DeviceUnknown
    doorbell.ring(who.participant_id, who.lane)
    return msgspec.convert(row, Device)
