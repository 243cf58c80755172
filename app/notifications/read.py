"""What a phone says back about its inbox: read up to here, arrived, done with this one."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.identity.problems import HoldInForce
from app.identity.session import SignedIn
from app.notifications.inbox import LAST_SEQ
from app.notifications.problems import EntryUnknown
from app.platform.database import Connection
from app.platform.jobs import Doorbell
from app.platform.sql import load
from app.platform.strict_json import Nothing

READ = load("notifications/read")

Seq = Annotated[int, msgspec.Meta(ge=0, le=LAST_SEQ)]


class ReadMark(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    up_to: Seq


class ReadUpTo(msgspec.Struct, frozen=True):
    read_up_to: int
    unread: int


class Receipts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    seqs: Annotated[list[Seq], msgspec.Meta(max_length=500)]


class Acknowledged(msgspec.Struct, frozen=True):
    seq: int
    acknowledged_at: datetime


@post("/v1/inbox/read", status_code=200, opt={"repeatable": True}, tags=["notifications"])
async def mark_read(
    data: JSONBody[ReadMark],
    connection: NamedDependency[Connection],
    who: NamedDependency[SignedIn],
    doorbell: NamedDependency[Doorbell],
) -> ReadUpTo:
    """Everything up to this seq was shown: for display only, on all phones. The mark never goes back."""
    row = await connection.fetchrow(READ["read"], who.participant_id, data.up_to)
    doorbell.wake(who.participant_id)
    return msgspec.convert(dict(row or {}), ReadUpTo)


@post("/v1/inbox/receipts", status_code=204, opt={"repeatable": True}, tags=["notifications"])
async def record_receipts(
    data: JSONBody[Receipts], connection: NamedDependency[Connection], who: NamedDependency[SignedIn]
) -> None:
    """These entries arrived on this phone; a seq that does not exist is passed over."""
    await connection.execute(READ["receipts"], who.participant_id, data.seqs, who.key_id)


@post(
    "/v1/inbox/{seq:int}/acknowledge",
    status_code=200,
    opt={"problems": (EntryUnknown, HoldInForce)},
    tags=["notifications"],
)
async def acknowledge(
    seq: FromPath[int],
    data: JSONBody[Nothing],  # noqa: ARG001 - an unknown member is refused
    connection: NamedDependency[Connection],
    who: NamedDependency[SignedIn],
) -> Acknowledged:
    """I am done with this one: only that stops its ladder.

    Raises EntryUnknown; HoldInForce when a key on hold would silence an entry of class security.
    """
    if not 0 <= seq <= LAST_SEQ:
        raise EntryUnknown
    row = await connection.fetchrow(READ["acknowledge"], who.participant_id, seq, who.key_id)
    if row is None:
        raise EntryUnknown
    if row["hold_until"] is not None:
        raise HoldInForce(until=row["hold_until"])
    return Acknowledged(seq=seq, acknowledged_at=row["acknowledged_at"])
