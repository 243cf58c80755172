"""PATCH /v1/me/preferences: the language that I am written to in, and the time zone that I live in."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec
from litestar import patch
from litestar.di import NamedDependency
from litestar.params import JSONBody

from app.identity.me import Me, read_me
from app.identity.session import SignedIn
from app.platform.database import Connection
from app.platform.jobs import Doorbell
from app.platform.sql import statement
from app.settings import Settings

SET = statement("identity/preferences", "set")


class Preferences(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is left out stays as it is. `time_zone`: WIB, WITA or WIT, by their IANA names."""

    locale: Literal["id", "en"] | None = None
    time_zone: Literal["Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura"] | None = None


@patch("/v1/me/preferences", tags=["identity"])
async def set_preferences(
    data: JSONBody[Preferences],
    connection: NamedDependency[Connection],
    doorbell: NamedDependency[Doorbell],
    who: NamedDependency[SignedIn],
    now: NamedDependency[datetime],
    settings: NamedDependency[Settings],
) -> Me:
    """Sets them, and answers as `GET /v1/me` does. Nothing here touches a card."""
    if await connection.fetchval(SET, who.participant_id, data.locale, data.time_zone, who.key_id):
        doorbell.ring(who.participant_id, who.lane)
    return await read_me(connection, who, now, settings)
