"""The one clock is the database's. In local mode it can be moved ahead, to see what time does."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from app.platform.database import Connection
from app.platform.jobs import Doorbell
from app.platform.sql import statement

ADVANCE = statement("platform/clock", "advance")
TEN_YEARS_S = 315_360_000


JAKARTA = ZoneInfo("Asia/Jakarta")


def jakarta_day(instant: datetime) -> date:
    """The day that counts: in Asia/Jakarta."""
    return instant.astimezone(JAKARTA).date()


class Advance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    advance_s: Annotated[int, msgspec.Meta(ge=0, le=TEN_YEARS_S)]


class Instant(msgspec.Struct, frozen=True):
    now: datetime


@post("/local/clock", status_code=200, opt={"public": True, "unlimited": True}, tags=["local"])
async def advance_local_clock(
    data: JSONBody[Advance], connection: NamedDependency[Connection], doorbell: NamedDependency[Doorbell]
) -> Instant:
    """Moves the clock that all processes read ahead by `advance_s` seconds. It never goes back."""
    instant = await connection.fetchval(ADVANCE, data.advance_s)
    doorbell.ring_job("settle_merges")
    doorbell.ring_job("climb_ladder")
    return Instant(now=instant)
