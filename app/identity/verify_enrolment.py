"""Add the phone whose owner read the code that went to the phone on file, or has one from a branch."""

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

from app.identity.add_key import NewKey, add_key
from app.identity.branch_code import BranchCodeText, normalise
from app.identity.code_failures import count_failure, refuse_while_paused
from app.identity.codes import one_time_code
from app.identity.issue import Session, start_session
from app.identity.problems import BranchCodeInvalid, CodesPaused, OtpInvalid
from app.platform.database import Connection
from app.platform.jobs import Doorbell
from app.platform.problems import RequestInvalid
from app.platform.sql import load
from app.settings import Settings

SQL = load("identity/verify_enrolment")
TRIES_PER_CODE = 3
TRIES_PER_DAY = 10
SETTLED_PHONE_DAYS = 30


class Verification(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Exactly one of the two: `otp` came by SMS, `branch_code` from staff who saw the person."""

    otp: Annotated[str, msgspec.Meta(pattern="^[0-9]{8}$")] | None = None
    branch_code: BranchCodeText | None = None


class Verified(msgspec.Struct, frozen=True):
    device_id: UUID
    session: Session


@post(
    "/v1/enrolments/{enrolment_id:uuid}/verification",
    status_code=201,
    opt={"problems": (BranchCodeInvalid, CodesPaused, OtpInvalid), "public": True},
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
    nobody learns whether a guess was right without its having been counted. Errors: 422 `otp_invalid {tries_left}` or
    `branch_code_invalid {tries_left}`, the tries left with this enrolment, which is 0 for one that is spent or expired and
    for one that does not exist; 503 `codes_paused`, for `otp` only. Somebody unknown, somebody who has used up the ten tries
    of the day, and a phone that the living one refused, get the answers of a wrong code. A branch code is no part of the
    ten, works after a refusal, and brings no hold.
    """
    code = _read_branch_code(data)
    if code is None:
        await refuse_while_paused(connection, settings, now)
    enrolment = await connection.fetchrow(SQL["count_try"], enrolment_id, TRIES_PER_CODE, now)
    if enrolment is None:
        raise BranchCodeInvalid(tries_left=0) if code else OtpInvalid(tries_left=0)
    if code is not None:
        await _add_by_branch_code(connection, enrolment, code, settings, now)
    else:
        await _add_by_otp(connection, enrolment, str(data.otp), settings, now)
    doorbell.ring(enrolment["participant_id"], enrolment["lane"])
    session = await start_session(
        connection,
        participant_id=enrolment["participant_id"],
        device_id=enrolment["device_id"],
        settings=settings,
        now=now,
    )
    return Verified(device_id=enrolment["device_id"], session=session)


def _read_branch_code(data: Verification) -> str | None:
    if (data.otp is None) == (data.branch_code is None):
        raise RequestInvalid(errors=[{"field": "otp", "reason": "send either otp or branch_code"}])
    if data.branch_code is None:
        return None
    try:
        return normalise(data.branch_code)
    except ValueError as error:
        raise RequestInvalid(errors=[{"field": "branch_code", "reason": str(error)}]) from None


async def _add_by_otp(
    connection: Connection, enrolment: asyncpg.Record, otp: str, settings: Settings, now: datetime
) -> None:
    counted = await connection.fetchval(SQL["count_try_of_day"], enrolment["participant_id"], now, TRIES_PER_DAY)
    right = hmac.compare_digest(one_time_code(settings.secret, enrolment["device_id"]), otp)
    if counted is None or not right or not enrolment["code_counts"]:
        await count_failure(connection, settings, "otp" if counted else "otp_of_nobody", now)
        raise OtpInvalid(tries_left=TRIES_PER_CODE - enrolment["tries"])
    who: tuple[Any, ...] = (enrolment["participant_id"], enrolment["device_id"])
    cause_id = await connection.fetchval(SQL["record_cause"], *who)
    # After the cause: it holds the participant's head, so that two phones cannot both be the first.
    free = await connection.fetchval(SQL["first_key_on_settled_phone"], who[0], now, SETTLED_PHONE_DAYS)
    hold_until = None if free else now + timedelta(seconds=settings.key_hold_s)
    await add_key(connection, _new_key(enrolment), cause_id=cause_id, settings=settings, now=now, hold_until=hold_until)


async def _add_by_branch_code(
    connection: Connection, enrolment: asyncpg.Record, code: str, settings: Settings, now: datetime
) -> None:
    about = (enrolment["participant_id"], code, enrolment["device_id"], enrolment["device_name"])
    used = await connection.fetchrow(SQL["use_branch_code"], *about)
    if used is None or used["code_id"] is None:
        await count_failure(connection, settings, "branch_code", now)
        raise BranchCodeInvalid(tries_left=TRIES_PER_CODE - enrolment["tries"])
    await add_key(
        connection,
        _new_key(enrolment),
        cause_id=used["cause_id"],
        settings=settings,
        now=now,
        vouched_by=used["code_id"],
    )


def _new_key(enrolment: asyncpg.Record) -> NewKey:
    return msgspec.convert({name: enrolment[name] for name in NewKey.__struct_fields__}, NewKey)
