"""The passkeys of mine, and their names."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import get, patch
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from app.identity.enrol import DeviceName
from app.identity.name_key import check_naming
from app.identity.problems import HoldInForce
from app.identity.session import SignedIn
from app.passkeys.problems import PasskeyUnknown
from app.platform.database import Connection
from app.platform.jobs import Doorbell
from app.platform.sql import load

SHOW = load("passkeys/show")


class Passkey(msgspec.Struct, frozen=True):
    """`synced`: a provider keeps a copy. `hold_until`: it confirms nothing before, null when it is free.

    `current`: it began the session that asks.
    """

    passkey_id: UUID
    name: str
    synced: bool
    added_at: datetime
    last_used_at: datetime | None
    hold_until: datetime | None
    current: bool


class Passkeys(msgspec.Struct, frozen=True):
    passkeys: list[Passkey]
    next_cursor: UUID | None


class NewName(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: DeviceName


@get("/v1/passkeys", tags=["passkeys"])
async def list_passkeys(
    connection: NamedDependency[Connection],
    who: NamedDependency[SignedIn],
    now: NamedDependency[datetime],
    cursor: Annotated[UUID | None, QueryParameter()] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=100)] = 50,
) -> Passkeys:
    """My passkeys that were not removed, newest first."""
    rows = await connection.fetch(SHOW["living"], who.participant_id, who.passkey_id, now, cursor, limit + 1)
    passkeys = msgspec.convert(rows[:limit], list[Passkey])
    return Passkeys(passkeys, passkeys[-1].passkey_id if len(rows) > limit else None)


@patch("/v1/passkeys/{passkey_id:uuid}", opt={"problems": (HoldInForce, PasskeyUnknown)}, tags=["passkeys"])
async def rename_passkey(
    passkey_id: FromPath[UUID],
    data: JSONBody[NewName],
    connection: NamedDependency[Connection],
    who: NamedDependency[SignedIn],
    now: NamedDependency[datetime],
    doorbell: NamedDependency[Doorbell],
) -> Passkey:
    """Gives one of my passkeys another name, which is an entry. A key on hold names itself and no other.

    Errors: 404 `passkey_unknown`, 403 `hold_in_force {until}`.
    """
    await check_naming(connection, who, passkey_id, now)
    if await connection.fetchval(SHOW["rename"], who.participant_id, passkey_id, data.name, who.key_id) is None:
        raise PasskeyUnknown
    doorbell.ring(who.participant_id, who.lane)
    row = await connection.fetchrow(SHOW["one"], who.participant_id, passkey_id, who.passkey_id, now)
    return msgspec.convert(row, Passkey)
