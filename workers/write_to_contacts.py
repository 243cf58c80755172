"""Write to a contact that is not the one on file: the code to the new one, the notice to the old one.

No network call happens in a transaction: a row is leased by one statement, its message sent, the outcome written by another.
A worker that dies in between loses its lease, and the next one sends again under the same id, which the gateway knows and a
mail program shows once. When a message has ended, its contact is forgotten.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import assert_never
from uuid import UUID

import msgspec
import structlog

from app.identity.codes import contact_code_mail, contact_code_text, one_time_code
from app.identity.contacts import Contact
from app.identity.stop_link import issue_stop_link
from app.notifications.climb import SQL as LADDER
from app.notifications.message import MailText, read_happening, write_mail, write_sms
from app.platform.database import Pool
from app.platform.mail import Mail, MailServer
from app.platform.outcomes import Accepted, Rejected, RetryLater
from app.platform.sealing import read_sealer
from app.platform.sms import Sms, SmsGateway
from app.platform.sql import load
from app.settings import Settings

log = structlog.get_logger()

SQL = load("identity/write_to_contacts")
BATCH = 20
# No attempt may take as long as the lease: a killed worker's message is sent again when it is over.
LEASE = timedelta(seconds=12)
ATTEMPT_WITHIN_S = 9.0
RETRY_MAX_S = 60.0


class Waiting(msgspec.Struct, frozen=True):
    """A message leased by this worker. `attempts` counts this one."""

    participant_id: UUID
    message_id: UUID
    what: str
    channel: Contact
    contact_sealed: bytes
    cause_id: UUID
    attempts: int
    locale: str

    def __repr__(self) -> str:
        return f"Waiting(message_id={self.message_id}, what={self.what!r})"


class ContactWriter:
    """The channels of this process. A message for one that is None is given up: there is nobody to carry it."""

    def __init__(self, pool: Pool, mail: MailServer | None, sms: SmsGateway | None, settings: Settings) -> None:
        self._pool, self._mail, self._sms, self._settings = pool, mail, sms, settings
        self._sealer = read_sealer(settings.data_keys)

    async def write(self) -> int:
        """Sends all that is due and returns how many were taken. What must be tried again waits in the table."""
        await self._pool.fetchval(SQL["expire"])
        taken = 0
        while True:
            rows = await self._pool.fetch(SQL["lease"], BATCH, LEASE)
            waiting = [msgspec.convert(dict(row), Waiting) for row in rows]
            taken += sum(await asyncio.gather(*(self._send_safely(message) for message in waiting)))
            if len(waiting) < BATCH:
                return taken

    async def _send_safely(self, message: Waiting) -> bool:
        try:
            return await self._send(message)
        except Exception:
            # What nobody foresaw about one message must not hold up everybody else's; its lease ends by itself.
            log.exception("contact_message_failed", message_id=str(message.message_id))
            return False

    async def _send(self, message: Waiting) -> bool:
        outcome = await self._hand_over(message)
        whose = (message.participant_id, message.message_id, message.attempts)
        match outcome:
            case Accepted():
                await self._pool.execute(SQL["settle"], *whose, "sent", None)
                return True
            case Rejected(code):
                log.error("contact_message_rejected", message_id=str(message.message_id), what=message.what, code=code)
                await self._pool.execute(SQL["settle"], *whose, "rejected", code)
            case RetryLater(after_s, reason):
                wait_s = max(after_s, min(after_s * 2 ** (message.attempts - 1), RETRY_MAX_S))
                log.warning("contact_message_waits", message_id=str(message.message_id), reason=reason, wait_s=wait_s)
                await self._pool.execute(SQL["retry"], *whose, timedelta(seconds=wait_s), reason)
            case _:
                assert_never(outcome)
        return False

    async def _hand_over(self, message: Waiting) -> Accepted | RetryLater | Rejected:
        contact = self._sealer.open(message.contact_sealed, column=message.channel, row=message.participant_id)
        try:
            async with asyncio.timeout(ATTEMPT_WITHIN_S):
                if message.channel == "phone" and self._sms is not None:
                    return await self._sms.send(Sms(str(message.message_id), contact, await self._text(message)))
                if message.channel == "email" and self._mail is not None:
                    text = await self._mail_text(message)
                    mail = Mail(str(message.message_id), contact, text.subject, text.text, message.locale)
                    return await self._mail.send(mail)
        except TimeoutError:
            return RetryLater(10.0, "unknown_timeout", provider_wide=False)
        return Rejected("channel_off")

    async def _text(self, message: Waiting) -> str:
        if message.what == "code":
            return contact_code_text(one_time_code(self._settings.secret, message.message_id), message.locale)
        rows = await self._pool.fetch(LADDER["entries"], message.participant_id, message.cause_id)
        return write_sms([read_happening(row) for row in rows], message.locale, await self._stop_link(message))

    async def _mail_text(self, message: Waiting) -> MailText:
        if message.what == "code":
            code = one_time_code(self._settings.secret, message.message_id)
            return MailText(*contact_code_mail(code, message.locale))
        rows = await self._pool.fetch(LADDER["entries"], message.participant_id, message.cause_id)
        return write_mail([read_happening(row) for row in rows], message.locale, await self._stop_link(message))

    async def _stop_link(self, message: Waiting) -> str:
        """For whoever had the contact until now. A code goes out without: whose the new contact is, is what it is to show."""
        return await issue_stop_link(
            self._pool,
            secret=self._settings.secret,
            public_origin=self._settings.public_origin,
            participant_id=message.participant_id,
            message_id=f"contact {message.message_id}",
        )
