"""PATCH /v1/me/preferences: language, time zone, the hours in which I am left alone, and what I switched off."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import patch
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import UNSET, UnsetType

from app.identity.me import CHANNEL_IN_SQL, Me, QuietHours, read_me
from app.identity.problems import ClassNotSwitchable, QuietHoursEmpty
from app.identity.session import SignedIn
from app.platform.database import Connection
from app.platform.jobs import Doorbell
from app.platform.sql import statement
from app.settings import Settings

SET = statement("identity/preferences", "set")

Switch = Annotated[bool | UnsetType, msgspec.Meta(description="false: nothing that may be switched off comes this way")]


class ChannelChoices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is left out stays as it is."""

    push: Switch = UNSET
    email: Switch = UNSET
    sms: Switch = UNSET


class ClassChoices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """By class of entry. `security` is refused: nobody can switch it off."""

    card: ChannelChoices | UnsetType = UNSET
    notice: ChannelChoices | UnsetType = UNSET
    security: ChannelChoices | UnsetType = UNSET

    def as_changes(self) -> list[dict[str, Any]]:
        """One row `{class, channel, on}` for each choice that is made here."""
        return [
            {"class": entry_class, "channel": CHANNEL_IN_SQL[channel], "on": on}
            for entry_class, choices in (("card", self.card), ("notice", self.notice))
            if not isinstance(choices, UnsetType)
            for channel, on in msgspec.structs.asdict(choices).items()
            if on is not UNSET
        ]


class Preferences(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is left out stays as it is. `time_zone`: WIB, WITA or WIT, by their IANA names. `quiet_hours` null: none."""

    locale: Literal["id", "en"] | None = None
    time_zone: Literal["Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura"] | None = None
    quiet_hours: QuietHours | UnsetType | None = UNSET
    channels: ClassChoices | UnsetType = UNSET


@patch(
    "/v1/me/preferences",
    opt={"problems": (ClassNotSwitchable, QuietHoursEmpty)},
    tags=["identity"],
)
async def set_preferences(
    data: JSONBody[Preferences],
    connection: NamedDependency[Connection],
    doorbell: NamedDependency[Doorbell],
    who: NamedDependency[SignedIn],
    now: NamedDependency[datetime],
    settings: NamedDependency[Settings],
) -> Me:
    """Sets them, and answers as `GET /v1/me` does. Nothing here touches a card, and no message of security or of a merge is
    switched off or kept waiting by it. Raises ClassNotSwitchable and QuietHoursEmpty.
    """
    channels = ClassChoices() if isinstance(data.channels, UnsetType) else data.channels
    if channels.security is not UNSET:
        raise ClassNotSwitchable
    quiet_hours = None if data.quiet_hours is UNSET else msgspec.to_builtins(data.quiet_hours)
    changed = await connection.fetchval(
        SET,
        who.participant_id,
        data.locale,
        data.time_zone,
        data.quiet_hours is not UNSET,
        quiet_hours,
        channels.as_changes(),
        who.key_id,
    )
    if changed:
        # What waited for the morning may be due now.
        doorbell.ring(who.participant_id, who.lane)
        doorbell.ring_job("climb_ladder")
    return await read_me(connection, who, now, settings)
