"""Add the key of an enrolment to somebody's devices, whoever vouched for it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from app.identity.key_seal import seal_key
from app.platform.database import Connection
from app.platform.sql import load
from app.settings import Settings

SQL = load("identity/add_key")


class NewKey(msgspec.Struct, frozen=True):
    """A device as its enrolment described it; the device has the enrolment's id."""

    participant_id: UUID
    device_id: UUID
    device_name: str
    platform: str
    public_key: dict[str, Any]


async def add_key(
    connection: Connection,
    key: NewKey,
    *,
    cause_id: UUID,
    settings: Settings,
    now: datetime,
    vouched_by: UUID | None = None,
    hold_until: datetime | None = None,
) -> None:
    """Adds the device and settles its enrolment. The entry `key_added` is written by the table itself, with this cause.

    `vouched_by`: the device that approved it or the branch code that staff handed out; such a key is on no hold.
    """
    who = (key.participant_id, key.device_id)
    about = (key.device_name, key.platform, key.public_key)
    seal = seal_key(settings, *who, key.public_key)
    await connection.execute(SQL["own_device"], *who)
    await connection.execute(SQL["add_device"], *who, *about, now, hold_until, cause_id, vouched_by, seal)
    await connection.execute(SQL["settle"], key.device_id, now)
