"""Send the one-time codes of enrolments that wait for one.

No network call happens in a transaction: a row is leased by one statement, its code sent, the outcome written by another.
A worker that dies in between loses its lease, and the next one sends again under the same id, which the gateway knows.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import msgspec
import structlog

from app.identity.codes import code_text, one_time_code
from app.identity.stop_link import issue_stop_link
from app.platform.database import Pool
from app.platform.outcomes import Accepted, Rejected, RetryLater
from app.platform.sealing import read_sealer
from app.platform.sms import Sms, SmsGateway
from app.platform.sql import load
from app.settings import Settings

log = structlog.get_logger()

SQL = load("identity/send_codes")
BATCH = 50
# No attempt may take as long; a killed worker's code is sent again when it is over.
LEASE_S = 13
RETRY_MAX_S = 60.0
CODES_PER_DAY = 20
"""More texts than a person could have tries for are no use to anyone but somebody who annoys them."""


class WaitingCode(msgspec.Struct, frozen=True):
    """An enrolment leased by this worker. `attempts` counts this one."""

    enrolment_id: UUID
    participant_id: UUID
    phone_sealed: bytes
    locale: str
    device_name: str
    attempts: int


async def send_codes(pool: Pool, sms: SmsGateway, settings: Settings) -> int:
    """Sends every code that is due and returns how many the gateway took.

    What must be tried again waits in the table: call this on each ring and every few seconds. An expired enrolment is
    given up, whatever became of its code.
    """
    sent = 0
    while True:
        rows = await pool.fetch(SQL["lease"], BATCH, timedelta(seconds=LEASE_S), CODES_PER_DAY)
        waiting = msgspec.convert(rows, list[WaitingCode])
        sent += sum(await asyncio.gather(*(_send(pool, sms, settings, code) for code in waiting)))
        if len(waiting) < BATCH:
            return sent


async def _send(pool: Pool, sms: SmsGateway, settings: Settings, waiting: WaitingCode) -> bool:
    link = await issue_stop_link(
        pool,
        secret=settings.secret,
        public_origin=settings.public_origin,
        participant_id=waiting.participant_id,
        message_id=f"code {waiting.enrolment_id}",
    )
    code = one_time_code(settings.secret, waiting.enrolment_id)
    text = code_text(code, waiting.device_name, waiting.locale, link)
    phone = read_sealer(settings.data_keys).open(waiting.phone_sealed, column="phone", row=waiting.participant_id)
    match await sms.send(Sms(str(waiting.enrolment_id), phone, text)):
        case Accepted():
            await pool.execute(SQL["sent"], waiting.enrolment_id)
            return True
        case RetryLater(after_s=after_s, reason=reason):
            wait_s = max(after_s, min(after_s * 2 ** (waiting.attempts - 1), RETRY_MAX_S))
            await pool.execute(SQL["retry"], waiting.enrolment_id, timedelta(seconds=wait_s))
            log.warning("code_waits", enrolment_id=str(waiting.enrolment_id), reason=reason, wait_s=wait_s)
        case Rejected(code=code):
            await pool.execute(SQL["give_up"], waiting.enrolment_id)
            log.error("code_rejected", enrolment_id=str(waiting.enrolment_id), code=code)
    return False
