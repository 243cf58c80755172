"""Computes a year's growth of every card, as a dry run: what it stages, bulk posting credits when it is told to.

Chunk by chunk of participants, each in one transaction with the row that says how far the run is: a run that was killed goes on
where it was, with the rates that it began with. Nothing but the run's own tables is written.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

import asyncpg
import msgspec

from app.ledger.growth import Rate, RateMissing, weights
from app.platform.sql import load

SQL = load("ledger/compute_growth")
OF_YEAR = load("ledger/set_rate")["of_year"]
PARTICIPANTS_PER_CHUNK = 5_000
CHUNK_TIMEOUT_S = 600
NOBODY = UUID(int=0)
FEED = {"role": "sepakat_feed", "timezone": "UTC"}


class UsedRate(msgspec.Struct, frozen=True):
    """A rate that a run computed with."""

    number: int
    valid_from: date
    millionths: int


class Run(msgspec.Struct, frozen=True):
    """A run and how far it is. `loading`: not computed to its end yet. Amounts are whole rupiah."""

    run_id: UUID
    state: str
    year: int
    rates: list[UsedRate]
    begun_at: datetime
    rows: int
    amount: int
    posted: int
    posted_amount: int
    refused: int
    refused_amount: int


class Total(msgspec.Struct, frozen=True):
    """The cards of one outcome, segment and status: what was computed for them, and what is credited already."""

    outcome: str
    segment: str
    status: str
    cards: int
    amount: int
    smallest: int
    largest: int
    parts: Decimal
    known_in_part: int
    credited: int
    differing: int


class Difference(msgspec.Struct, frozen=True):
    """A card on which another amount is credited than is computed now: what came late, or was computed elsewhere."""

    kpj: str
    computed: int
    credited: int
    difference: int


class GrowthRefused(ValueError):
    """Nothing was computed; the text says what to do."""


async def compute_growth(
    database_url: str, name: str, year: int, *, said: Callable[[int], None], per_chunk: int = PARTICIPANTS_PER_CHUNK
) -> Run:
    """Computes the year under this name, or goes on with it, and stages it. `said` hears how many cards were looked at.

    Raises GrowthRefused for a year that is not over, without a rate, or whose name is another year's or another run's;
    asyncpg.PostgresError.
    """
    connection = await _connect(database_url)
    try:
        if not await connection.fetchval(SQL["today"]) > date(year, 12, 31):
            raise GrowthRefused(f"{year} is not over in Jakarta: its growth is computed from {year + 1}-01-01 on")
        rates = await _read_rates(connection, year)
        weighed = _weigh(rates, year)
        await connection.execute(SQL["begin"], name, year, weighed, msgspec.json.encode(rates).decode())
        run = await _find(connection, name)
        if run is None or run.year != year:
            raise GrowthRefused(f"{name} is another run: give --name")
        cards = 0
        while (found := await _compute_chunk(connection, run.run_id, per_chunk)) is not None:
            cards += found
            said(cards)
        return await _find(connection, name) or run
    finally:
        await connection.close()


async def read_run(database_url: str, name: str) -> tuple[Run, list[Total]] | None:
    """A run with what it found; None where there is none of this name."""
    connection = await _connect(database_url)
    try:
        run = await _find(connection, name)
        if run is None:
            return None
        return run, [msgspec.convert(dict(row), Total) for row in await connection.fetch(SQL["totals"], run.run_id)]
    finally:
        await connection.close()


async def list_differences(database_url: str, year: int) -> AsyncIterator[Difference]:
    """Every card on which the year is credited with another amount than the ledger and the rates of now would give."""
    connection = await _connect(database_url)
    try:
        weighed, reached = _weigh(await _read_rates(connection, year), year), NOBODY
        while (upto := await connection.fetchval(SQL["upto"], reached, PARTICIPANTS_PER_CHUNK)) is not None:
            for row in await connection.fetch(SQL["differences"], reached, upto, year, weighed):
                yield msgspec.convert(dict(row), Difference)
            reached = upto
    finally:
        await connection.close()


async def _compute_chunk(connection: asyncpg.Connection[asyncpg.Record], run_id: UUID, participants: int) -> int | None:
    """How many cards were looked at; None when the run is computed to its end. Two that compute one run take turns."""
    async with connection.transaction():
        run = await connection.fetchrow(SQL["hold"], run_id)
        if run is None:
            return None
        upto = await connection.fetchval(SQL["upto"], run["reached"], participants)
        if upto is None:
            await connection.execute(SQL["finish"], run_id)
            return None
        cards: int = await connection.fetchval(SQL["chunk"], run_id, run["reached"], upto, run["year"], run["weights"])
        return cards


async def _connect(database_url: str) -> asyncpg.Connection[asyncpg.Record]:
    return await asyncpg.connect(database_url, server_settings=FEED, command_timeout=CHUNK_TIMEOUT_S)


async def _find(connection: asyncpg.Connection[asyncpg.Record], name: str) -> Run | None:
    row = await connection.fetchrow(SQL["run"], name)
    return None if row is None else msgspec.convert(dict(row) | {"rates": msgspec.json.decode(row["rates"])}, Run)


async def _read_rates(connection: asyncpg.Connection[asyncpg.Record], year: int) -> list[UsedRate]:
    return [msgspec.convert(dict(row), UsedRate) for row in await connection.fetch(OF_YEAR, year)]


def _weigh(rates: list[UsedRate], year: int) -> list[int]:
    try:
        return weights([Rate(rate.valid_from, rate.millionths) for rate in rates], year)
    except RateMissing as error:
        raise GrowthRefused(f"{error}, with `sepakat growth set-rate`") from error
