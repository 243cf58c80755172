"""Who am I, as this phone may know it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

import asyncpg
import msgspec
from litestar import get
from litestar.di import NamedDependency

from app.identity.contacts import mask_contact
from app.identity.problems import NotSignedIn
from app.identity.session import SignedIn
from app.platform.database import Connection
from app.platform.sealing import read_sealer
from app.platform.sql import statement
from app.settings import Settings

ME = statement("identity/me")
CHANNEL_IN_SQL = {"push": "push", "email": "mail", "sms": "sms"}

WallClock = Annotated[str, msgspec.Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$", examples=["22:00"])]


class Hold(msgspec.Struct, frozen=True):
    """The key of this session confirms nothing before `until`. `reason`: `key_added_recently`, or `contact_changed` by it."""

    until: datetime
    reason: str


class QuietHours(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """By the clock on the wall in my time zone; may pass midnight. The minute `from` is quiet, the minute `to` is not."""

    from_: WallClock
    to: WallClock


class Channels(msgspec.Struct, frozen=True):
    """Whether messages of a class come this way. What is mandatory comes whatever stands here."""

    push: bool
    email: bool
    sms: bool


class Classes(msgspec.Struct, frozen=True):
    """The classes of entries that can be switched off."""

    card: Channels
    notice: Channels


class Me(msgspec.Struct, frozen=True):
    """`nik` is masked but for its last four digits: the others tell region, birthday and sex. `phone` and `email` are those
    that codes and messages go to, masked but for the last three digits, and for the first letter and the domain.

    `participant_id` is the `subject_id` of statements about me as a whole. The session was begun by a device or by a
    passkey: the other id is null.
    """

    participant_id: UUID
    name: str
    nik: str
    phone: str | None
    email: str | None
    locale: str
    time_zone: str
    quiet_hours: QuietHours | None
    channels: Classes
    device_id: str | None
    passkey_id: str | None
    hold: Hold | None


@get("/v1/me", tags=["identity"])
async def show_me(
    connection: NamedDependency[Connection],
    who: NamedDependency[SignedIn],
    now: NamedDependency[datetime],
    settings: NamedDependency[Settings],
) -> Me:
    """My name, masked identity number and contacts, language and time zone, and whether the key of this session is on hold."""
    return await read_me(connection, who, now, settings)


async def read_me(connection: Connection, who: SignedIn, now: datetime, settings: Settings) -> Me:
    """The same for whoever has changed something of it."""
    row = await connection.fetchrow(ME, who.participant_id, who.key_id)
    if row is None:
        raise NotSignedIn
    sealer = read_sealer(settings.data_keys)

    def unseal(column: str) -> str | None:
        sealed = row[f"{column}_sealed"]
        return None if sealed is None else sealer.open(sealed, column=column, row=who.participant_id)

    nik, phone, email = str(unseal("nik")), unseal("phone"), unseal("email")
    held = row["hold_until"] is not None and now < row["hold_until"]
    return Me(
        participant_id=who.participant_id,
        name=row["name"],
        nik="•" * 12 + nik[-4:],
        phone=phone and mask_contact("phone", phone),
        email=email and mask_contact("email", email),
        locale=row["locale"],
        time_zone=row["time_zone"],
        quiet_hours=QuietHours(row["quiet_from"], row["quiet_to"]) if row["quiet_from"] else None,
        channels=Classes(*(_read_channels(row, entry_class) for entry_class in ("card", "notice"))),
        device_id=None if who.device_id is None else str(who.device_id),
        passkey_id=None if who.passkey_id is None else str(who.passkey_id),
        hold=Hold(until=row["hold_until"], reason=_say_why(row, settings)) if held else None,
    )


def _read_channels(row: asyncpg.Record, entry_class: str) -> Channels:
    return Channels(
        **{name: f"{entry_class} {channel}" not in row["switched_off"] for name, channel in CHANNEL_IN_SQL.items()}
    )


def _say_why(row: asyncpg.Record, settings: Settings) -> str:
    changed_at = row["contact_changed_at"]
    of_contact = changed_at and row["hold_until"] == changed_at + timedelta(seconds=settings.key_hold_s)
    return "contact_changed" if of_contact else "key_added_recently"
