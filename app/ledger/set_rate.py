"""What savings earn in a year, as dated data: `sepakat growth set-rate` and `sepakat growth rates`.

A rate is never edited. One that was wrong is corrected by another row of the same day; both stay, with who set them and why.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import asyncpg
import msgspec

from app.platform.sql import load

SQL = load("ledger/set_rate")
MILLIONTHS_PER_PERCENT = 10_000


class SetRate(msgspec.Struct, frozen=True):
    """A rate as it was set; it `stands` while no later row has its day."""

    number: int
    valid_from: date
    millionths: int
    set_by: str
    reason: str
    recorded_at: datetime
    stands: bool


def percent(millionths: int) -> Decimal:
    """5.66 for 56,600."""
    return Decimal(millionths).scaleb(-4).normalize() + 0


async def set_rate(admin_url: str, valid_from: date, yearly: Decimal, *, set_by: str, reason: str) -> int:
    """Adds a rate of so many percent a year and returns its number.

    The URL is an administrator's: no role of the product may set one. Raises ValueError for a percentage that is not between 0
    and 100 with at most four decimals, or for nobody, or no reason.
    """
    millionths = yearly * MILLIONTHS_PER_PERCENT
    if not (yearly.is_finite() and 0 <= yearly <= 100 and millionths == int(millionths)):
        raise ValueError("the rate is a percentage from 0 to 100 with at most four decimals: 5.66")
    if not 0 < len(set_by.strip()) <= 100 or not 0 < len(reason.strip()) <= 500:
        raise ValueError("say who sets the rate (1 to 100 characters) and why (1 to 500): they stay with it")
    connection = await asyncpg.connect(admin_url)
    try:
        number: int = await connection.fetchval(SQL["set"], valid_from, int(millionths), set_by.strip(), reason.strip())
        return number
    finally:
        await connection.close()


async def list_rates(database_url: str) -> list[SetRate]:
    """Every rate that was ever set, the newest day first."""
    connection = await asyncpg.connect(database_url)
    try:
        return [msgspec.convert(dict(row), SetRate) for row in await connection.fetch(SQL["list"])]
    finally:
        await connection.close()
