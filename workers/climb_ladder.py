"""Climbs the ladder for whoever has not acknowledged what must reach them, and writes to contacts that change."""

from __future__ import annotations

from app.notifications.climb import Climber
from app.platform.database import Pool
from app.platform.mail import open_mail
from app.platform.sms import SmsGateway
from app.settings import Settings
from workers.write_to_contacts import ContactWriter


class Ladder:
    """The channels that this installation has, for as long as the process lives."""

    def __init__(self, pool: Pool, settings: Settings, sms: SmsGateway) -> None:
        self._mail = open_mail(settings)
        channels = (self._mail, sms if settings.sms_url else None)
        self._climber = Climber(pool, *channels, settings)
        self._writer = ContactWriter(pool, *channels, settings)

    async def climb(self) -> None:
        """Sends all that is due: call this on each ring and every second."""
        await self._climber.climb()

    async def write_to_contacts(self) -> None:
        """Sends codes to new contacts and notices to old ones: call this on each ring and every second."""
        await self._writer.write()

    async def close(self) -> None:
        if self._mail is not None:
            await self._mail.close()
