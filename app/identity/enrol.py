"""Ask for a new phone to be added: somebody says who they are, and a code goes to the phone on file."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from app.identity.statements import read_public_key
from app.platform.database import Connection, new_id
from app.platform.jobs import Doorbell
from app.platform.problems import RequestInvalid
from app.platform.sealing import read_sealer
from app.platform.sql import statement
from app.settings import Settings

ASK = statement("identity/enrol")
CODE_TTL_S = 300

Coordinate = Annotated[str, msgspec.Meta(min_length=43, max_length=43)]
DeviceName = Annotated[str, msgspec.Meta(min_length=1, max_length=60)]


class PublicKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A JWK: a P-256 public key and nothing else; `x` and `y` are 32 bytes each, base64url."""

    kty: Literal["EC"]
    crv: Literal["P-256"]
    x: Coordinate
    y: Coordinate


class NewDevice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: DeviceName
    platform: Literal["android", "ios", "web"]
    public_key: PublicKey


class EnrolmentRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`kpj` is any number the participant ever held."""

    nik: Annotated[str, msgspec.Meta(pattern="^[0-9]{16}$")]
    kpj: Annotated[str, msgspec.Meta(pattern="^[0-9A-Za-z]{10,15}$")]
    birth_date: date
    device: NewDevice


class Enrolment(msgspec.Struct, frozen=True):
    enrolment_id: UUID
    expires_at: datetime


@post("/v1/enrolments", status_code=202, opt={"public": True}, tags=["identity"])
async def enrol(
    data: JSONBody[EnrolmentRequest],
    connection: NamedDependency[Connection],
    now: NamedDependency[datetime],
    doorbell: NamedDependency[Doorbell],
    settings: NamedDependency[Settings],
) -> Enrolment:
    """Asks a living phone of the person, then for a code by SMS to the phone on file.

    The answer is the same, by the same path, for anybody: one statement looks the person up and writes the enrolment,
    known or not, and the worker is woken either way. `expires_at` leaves the living phone its time and then the code its
    five minutes, whether there is such a phone or not.
    """
    key = msgspec.to_builtins(data.device.public_key)
    try:
        read_public_key(key)
    except ValueError as error:
        raise RequestInvalid(errors=[{"field": "device.public_key", "reason": str(error)}]) from None
    ask_first, code_ttl = timedelta(seconds=settings.ask_first_s), timedelta(seconds=CODE_TTL_S)
    enrolment_id, expires_at = new_id(), now + ask_first + code_ttl
    await connection.execute(
        ASK,
        enrolment_id,
        read_sealer(settings.data_keys).look_up(data.nik, column="nik"),
        data.kpj,
        data.birth_date,
        data.device.name,
        data.device.platform,
        key,
        now,
        expires_at,
        ask_first,
        code_ttl,
    )
    doorbell.ring_job("send_codes")
    return Enrolment(enrolment_id=enrolment_id, expires_at=expires_at)
