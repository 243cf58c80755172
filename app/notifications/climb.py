"""Sends what is due on the ladder: mail, then SMS, then a person's name on the list of those to reach by other means.

No network call happens in a transaction: a message is leased by one statement, sent, and its outcome written by another. A
worker that dies in between loses its lease, and the next one sends again under the same id, which the gateway knows and a
mail program shows once.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Literal, assert_never
from uuid import UUID

import msgspec
import structlog

from app.identity.stop_link import issue_stop_link
from app.notifications.message import (
    derive_message_id,
    needs_stop_link,
    read_happening,
    write_mail,
    write_sms,
)
from app.notifications.notification import wait_s
from app.notifications.pauses import Pauses
from app.platform.database import Pool
from app.platform.mail import Mail, MailServer
from app.platform.outcomes import Accepted, Rejected, RetryLater
from app.platform.sealing import read_sealer
from app.platform.sms import Sms, SmsGateway
from app.platform.sql import load
from app.settings import Settings

log = structlog.get_logger()

SQL = load("notifications/climb")
BATCH = 20
# A killed worker's message is sent again when its lease is over; no attempt may take as long as that.
LEASE = timedelta(seconds=12)
ATTEMPT_WITHIN_S = 9.0
GIVE_UP_AFTER = timedelta(hours=72)
GIVE_UP_ATTEMPTS = 50

Channel = Literal["mail", "sms"]
CHANNELS: tuple[Channel, ...] = ("mail", "sms")


class DueMessage(msgspec.Struct, frozen=True):
    """One message leased by this worker. `attempts` counts this one; `late` is how long ago it was due."""

    participant_id: UUID
    cause_id: UUID
    channel: Channel
    attempts: int
    late: timedelta
    locale: str
    switched_off: bool
    email_sealed: bytes | None
    phone_sealed: bytes | None

    def __repr__(self) -> str:
        return f"DueMessage(cause_id={self.cause_id}, channel={self.channel!r})"


class Climber:
    """The channels of this process. One that is None is off: it has nobody's address."""

    def __init__(self, pool: Pool, mail: MailServer | None, sms: SmsGateway | None, settings: Settings) -> None:
        self.pauses: dict[Channel, Pauses] = {channel: Pauses() for channel in CHANNELS}
        self._pool, self._mail, self._sms = pool, mail, sms
        self._settings = settings
        self._sealer = read_sealer(settings.data_keys)

    async def climb(self) -> int:
        """Sends all that is due, and returns how many messages were taken. What must be tried again waits in the table."""
        taken = 0
        listed = await self._pool.fetchval(SQL["unreach"])
        while channels := [channel for channel in CHANNELS if not self.pauses[channel].left_s()]:
            rows = await self._pool.fetch(SQL["lease"], BATCH, LEASE, channels)
            if not rows:
                break
            due = [msgspec.convert(dict(row), DueMessage) for row in rows]
            taken += sum(await asyncio.gather(*(self._send_safely(message) for message in due)))
            # A step that reached nobody may have made the next one due, people included.
            listed += await self._pool.fetchval(SQL["unreach"])
        if listed:
            log.warning("people_not_reached", causes=listed)
        return taken

    async def _send_safely(self, due: DueMessage) -> bool:
        try:
            return await self._send(due)
        except Exception:
            # What nobody foresaw about one message must not hold up everybody else's; its lease ends by itself.
            log.exception("climb_failed", cause_id=str(due.cause_id), channel=due.channel)
            return False

    async def _send(self, due: DueMessage) -> bool:
        if due.switched_off:
            await self._settle(due, "switched_off")
            return False
        address = self._address(due)
        if address is None or not self._is_on(due.channel):
            await self._settle(due, "no_address")
            return False
        message_id = derive_message_id(due.cause_id, due.channel, address, due.locale)
        outcome = await self._hand_over(due, address, message_id)
        match outcome:
            case Accepted():
                await self._settle(due, "sent", message_id=message_id)
                return True
            case Rejected(code):
                log.error("climb_rejected", cause_id=str(due.cause_id), channel=due.channel, code=code)
                await self._settle(due, "rejected", code, message_id)
            case RetryLater(after_s, reason, provider_wide):
                await self._wait(due, after_s, reason, provider_wide=provider_wide)
            case _:
                assert_never(outcome)
        return False

    def _address(self, due: DueMessage) -> str | None:
        column, sealed = ("email", due.email_sealed) if due.channel == "mail" else ("phone", due.phone_sealed)
        return None if sealed is None else self._sealer.open(sealed, column=column, row=due.participant_id)

    async def _hand_over(self, due: DueMessage, address: str, message_id: UUID) -> Accepted | RetryLater | Rejected:
        rows = await self._pool.fetch(SQL["entries"], due.participant_id, due.cause_id)
        happenings = [read_happening(row) for row in rows]
        link = None
        if needs_stop_link(happenings):
            link = await issue_stop_link(
                self._pool,
                secret=self._settings.secret,
                public_origin=self._settings.public_origin,
                participant_id=due.participant_id,
                message_id=f"climb {message_id}",
            )
        try:
            async with asyncio.timeout(ATTEMPT_WITHIN_S):
                if due.channel == "mail" and self._mail is not None:
                    mail = write_mail(happenings, due.locale, link)
                    return await self._mail.send(Mail(str(message_id), address, mail.subject, mail.text, due.locale))
                if self._sms is not None:
                    return await self._sms.send(Sms(str(message_id), address, write_sms(happenings, due.locale, link)))
        except TimeoutError:
            return RetryLater(10.0, "unknown_timeout", provider_wide=False)
        raise AssertionError("a channel that is off has no address")

    async def _wait(self, due: DueMessage, after_s: float, reason: str, *, provider_wide: bool) -> None:
        if due.attempts >= GIVE_UP_ATTEMPTS and due.late >= GIVE_UP_AFTER:
            log.error("climb_given_up", cause_id=str(due.cause_id), channel=due.channel, reason=reason)
            await self._settle(due, "rejected", f"given_up_{reason}")
            return
        wait = wait_s(after_s, due.attempts - 1)
        if provider_wide:
            self.pauses[due.channel].hold("provider", after_s)
        log.warning("climb_waits", cause_id=str(due.cause_id), channel=due.channel, reason=reason, wait_s=round(wait))
        await self._pool.execute(SQL["retry"], *_key(due), timedelta(seconds=wait), reason)

    async def _settle(
        self, due: DueMessage, state: str, code: str | None = None, message_id: UUID | None = None
    ) -> None:
        if await self._pool.fetchval(SQL["settle"], *_key(due), state, code, message_id) is None:
            # Acknowledged meanwhile, or the lease was over and another worker has it.
            log.info("climb_had_ended", cause_id=str(due.cause_id), channel=due.channel)

    def _is_on(self, channel: Channel) -> bool:
        return (self._mail if channel == "mail" else self._sms) is not None


def _key(due: DueMessage) -> tuple[UUID, UUID, str, int]:
    return due.participant_id, due.cause_id, due.channel, due.attempts
