"""Add the phone whose owner read the code that went to the phone on file."""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.identity.codes import one_time_code
from app.identity.issue import Session, start_session
from app.identity.problems import OtpInvalid
from app.platform.database import Connection
from app.platform.jobs import Doorbell
from app.platform.sql import load
from app.settings import Settings

SQL = load("identity/verify_enrolment")
TRIES_PER_CODE = 3
TRIES_PER_DAY = 10
SETTLED_PHONE_DAYS = 30


class Verification(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    otp: Annotated[str, msgspec.Meta(pattern="^[0-9]{8}$")]


class Verified(msgspec.Struct, frozen=True):
    device_id: UUID
    session: Session


@post(
    "/v1/enrolments/{enrolment_id:uuid}/verification",
    status_code=201,
    opt={"problems": (OtpInvalid,), "public": True},
    tags=["identity"],
)
async def verify_enrolment(
    enrolment_id: FromPath[UUID],
    data: JSONBody[Verification],
    connection: NamedDependency[Connection],
    now: NamedDependency[datetime],
    doorbell: NamedDependency[Doorbell],
    settings: NamedDependency[Settings],
) -> Verified:
    """Checks the code, adds the device and signs it in.

    Every try is counted before the code is looked at, in this transaction, and the answer leaves only after the commit:
    nobody learns whether a guess was right without its having been counted. Errors: 422 `otp_invalid {tries_left}`, the
    tries left with this code, which is 0 for a code that is spent or expired and for an enrolment that does not exist.
    Somebody unknown, and somebody who has used up the ten tries of the day, get the answers of a wrong code.
    """
    enrolment = await connection.fetchrow(SQL["count_try"], enrolment_id, TRIES_PER_CODE, now)
    if enrolment is None:
        raise OtpInvalid(tries_left=0)
    counted = await connection.fetchval(SQL["count_try_of_day"], enrolment["participant_id"], now, TRIES_PER_DAY)
    right = hmac.compare_digest(one_time_code(settings.secret, enrolment_id), data.otp)
    if counted is None or not right:
        raise OtpInvalid(tries_left=TRIES_PER_CODE - enrolment["tries"])
    await _add_device(connection, enrolment, settings, now)
    await connection.execute(SQL["settle"], enrolment_id, now)
    doorbell.ring(enrolment["participant_id"], enrolment["lane"])
    session = await start_session(
        connection,
        participant_id=enrolment["participant_id"],
        device_id=enrolment["device_id"],
        settings=settings,
        now=now,
    )
    return Verified(device_id=enrolment["device_id"], session=session)


async def _add_device(connection: Connection, enrolment: asyncpg.Record, settings: Settings, now: datetime) -> None:
    """The entry `key_added` is written by the table itself, with the cause recorded here."""
    who: tuple[Any, ...] = (enrolment["participant_id"], enrolment["device_id"])
    cause_id = await connection.fetchval(SQL["record_cause"], *who)
    # After the cause: it holds the participant's head, so that two phones cannot both be the first.
    free = await connection.fetchval(SQL["first_key_on_settled_phone"], who[0], now, SETTLED_PHONE_DAYS)
    hold_until = None if free else now + timedelta(seconds=settings.key_hold_s)
    await connection.execute(SQL["own_device"], *who)
    key = (enrolment["device_name"], enrolment["platform"], enrolment["public_key"])
    await connection.execute(SQL["add_device"], *who, *key, now, hold_until, cause_id)
