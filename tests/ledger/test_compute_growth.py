"""A year's growth as a dry run: rates that are set and corrected, totals that a person can add up, a run that goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from app.bulk.load import Batch, LoadError, load_run, read_batches
from app.ledger.compute_growth import GrowthRefused, Run, Total, compute_growth, read_run
from app.ledger.set_rate import set_rate
from tests.conftest import Database
from tests.people import NewCard, Person, add_person

YEAR = 2025
RATE = 56_600
BOARD = {"set_by": "Sri Wahyuni", "reason": "decision 12/2025"}


@pytest_asyncio.fixture(scope="module")
async def database(own_database: Database) -> Database:
    """A rate, and three people: with two cards, with one that began within the year, and with nothing."""
    await set_rate(own_database.url(), date(2024, 1, 1), Decimal("5.66"), **BOARD)
    return own_database


@pytest_asyncio.fixture(scope="module")
async def people(database: Database) -> list[Person]:
    return [
        await add_person(database, NewCard(balance=10_000_000, status="active"), NewCard(balance=1, segment="BPU")),
        await add_person(database, NewCard(balance=36_500_000, opened_on=date(YEAR, 12, 31))),
        await add_person(database, NewCard(balance=0), NewCard(programmes=("JKK",))),
    ]


async def compute(database: Database, name: str, year: int = YEAR, **how: Any) -> tuple[Run, list[Total]]:
    await compute_growth(database.url("sepakat_feed"), name, year, said=lambda _: None, **how)
    found = await read_run(database.url("sepakat_feed"), name)
    assert found is not None
    return found


async def ask(database: Database, sql: str, *values: Any) -> list[dict[str, Any]]:
    connection = await database.connect()
    try:
        return [dict(row) for row in await connection.fetch(sql, *values)]
    finally:
        await connection.close()


async def staged(database: Database, name: str) -> dict[str, int]:
    rows = await ask(
        database,
        """SELECT k.kpj, b.amount, b.event_id, b.effective_on, b.year FROM bulk_rows AS b JOIN bulk_runs AS r USING (run_id)
        JOIN cards AS k USING (participant_id, card_id) WHERE r.name = $1""",
        name,
    )
    for row in rows:
        assert (row["event_id"], row["effective_on"]) == (
            f"growth:{row['year']}:{row['kpj']}",
            date(row["year"], 12, 31),
        )
    return {row["kpj"]: row["amount"] for row in rows}


async def load_file(database: Database, name: str, line: bytes) -> None:
    """As `sepakat bulk load` would."""
    feed = await database.connect("sepakat_feed")

    async def batches(skip: int) -> AsyncIterator[Batch]:
        for batch in read_batches("growth", "ndjson", [line], datetime.now(UTC), skip):
            yield batch

    try:
        await load_run(feed, name, "growth", batches)
    finally:
        await feed.close()


async def test_it_stages_what_was_earned_and_tells_totals(database: Database, people: list[Person]) -> None:
    before = await ask(database, "SELECT participant_id, seq, hash FROM participant_heads ORDER BY 1")
    run, totals = await compute(database, "first", per_chunk=1)
    (saver, _), (late,) = people[0].kpjs, people[1].kpjs
    assert await staged(database, "first") == {saver: 566_000, late: 5_660}
    assert (run.state, run.rows, run.amount, run.posted) == ("staged", 2, 571_660, 0)
    told = {(t.outcome, t.segment, t.status): (t.cards, t.amount, t.smallest, t.largest) for t in totals}
    assert told == {
        ("staged", "PU", "active"): (1, 566_000, 566_000, 566_000),
        ("staged", "PU", "inactive"): (1, 5_660, 5_660, 5_660),
        ("nothing_earned", "BPU", "inactive"): (1, 0, 0, 0),
        ("nothing_earned", "PU", "inactive"): (1, 0, 0, 0),
    }
    assert sum(total.known_in_part for total in totals) == 1
    assert sum(total.parts for total in totals if total.outcome == "staged") == 571_660 * 10**6 * 365
    assert await ask(database, "SELECT participant_id, seq, hash FROM participant_heads ORDER BY 1") == before
    assert await ask(database, "SELECT FROM ledger_entries WHERE kind = 'growth'") == []


async def test_a_run_that_was_cut_off_goes_on_with_the_rates_that_it_began_with(
    database: Database, people: list[Person]
) -> None:
    whole, totals = await compute(database, "whole", per_chunk=1)

    def cut_off(cards: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await compute_growth(database.url("sepakat_feed"), "cut", YEAR, said=cut_off, per_chunk=2)
    half = await read_run(database.url("sepakat_feed"), "cut")
    assert half is not None
    assert half[0].state == "loading"
    with pytest.raises(LoadError, match="another name"):
        await load_file(database, "cut", b'{"event_id": "x", "kpj": "99000000000", "year": 2025, "amount": 1}')
    await set_rate(database.url(), date(2025, 1, 1), Decimal(7), **BOARD)
    run, again = await compute(database, "cut", per_chunk=1)
    assert (run.rows, run.amount, run.state) == (whole.rows, whole.amount, "staged")
    assert again == totals
    assert [rate.millionths for rate in run.rates] == [RATE]
    fresh, _ = await compute(database, "with the later rate")
    assert fresh.amount == 707_000
    await set_rate(database.url(), date(2025, 1, 1), Decimal("5.66"), **BOARD)
    corrected, _ = await compute(database, "corrected")
    assert corrected.amount == whole.amount


async def test_two_that_compute_one_run_at_once_stage_it_once(database: Database, people: list[Person]) -> None:
    url = database.url("sepakat_feed")
    runs = [compute_growth(url, "twice", YEAR, said=lambda _: None, per_chunk=1) for _ in range(2)]
    run, other = await asyncio.gather(*runs)
    assert (run.rows, run.amount) == (other.rows, other.amount) == (2, 571_660)


async def test_a_run_that_was_computed_is_not_computed_again(database: Database, people: list[Person]) -> None:
    once = await compute(database, "once")
    await ask(database, "UPDATE growth_runs SET reached = $1 WHERE run_id = $2", UUID(int=0), once[0].run_id)
    assert await compute(database, "once") == once


@pytest.mark.parametrize(
    ("name", "year", "said"),
    [
        ("future", 2200, "not over"),
        ("early", 2020, "no rate is valid on 2020-01-01"),
        ("first of another year", 2024, "another run"),
    ],
)
async def test_what_cannot_be_computed_is_refused(
    database: Database, people: list[Person], name: str, year: int, said: str
) -> None:
    if said == "another run":
        await compute(database, name)
    with pytest.raises(GrowthRefused, match=said):
        await compute(database, name, year)


@pytest.mark.parametrize("percent", ["-0.1", "100.1", "5.66001", "NaN", "Infinity"])
async def test_a_rate_is_a_percentage(database: Database, percent: str) -> None:
    with pytest.raises(ValueError, match="percentage"):
        await set_rate(database.url(), date(2030, 1, 1), Decimal(percent), **BOARD)
    with pytest.raises(ValueError, match="who sets"):
        await set_rate(database.url(), date(2030, 1, 1), Decimal(1), set_by=" ", reason="x")


async def test_rates_are_added_by_administrators_and_never_edited(database: Database) -> None:
    for role in ("sepakat_feed", "sepakat_operator", "sepakat_worker", "sepakat_api"):
        with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.ReadOnlySQLTransactionError)):
            await set_rate(database.url(role), date(2030, 1, 1), Decimal(1), **BOARD)
    for statement in ("UPDATE growth_rates SET millionths = 1", "DELETE FROM growth_rates", "TRUNCATE growth_rates"):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refused:
            await ask(database, statement)
        assert refused.value.constraint_name == "growth_rates_are_append_only"
