"""The function that computes many cards at once: it says what the pure rule says, of any ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import date
from random import Random
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from app.ledger.growth import Entry, earned_parts, weights, whole_rupiah
from tests.conftest import Database
from tests.ledger.ledgers import random_ledger, random_rates

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
GUARDED = ("cards", "ledger_entries", "card_transfers", "merges")
PEOPLE = 40
YEAR = 2024
SAVES = ["JHT", "JKK"]


@pytest_asyncio.fixture
async def connection(database: Database) -> AsyncIterator[Connection]:
    """Of a superuser who has taken every guard away, and whose transaction is rolled back."""
    connection = await database.connect()
    transaction = connection.transaction()
    await transaction.start()
    for table in GUARDED:
        await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
    yield connection
    await transaction.rollback()
    await connection.close()


def person(number: int) -> UUID:
    return UUID(int=(0xFEEDBEEF << 96) + number)


async def open_card(connection: Connection, number: int, owner: int, **around: Any) -> str:
    """Card `number` of a person; the same number of another person is the same card elsewhere."""
    row = {
        "participant_id": person(owner),
        "card_id": card_id(owner, number),
        "kpj": kpj_of(number),
        "segment": "PU",
        "programmes": SAVES,
        "opened_on": date(2019, 1, 1),
        "lifecycle": "active",
        "balance": 0,
    } | around
    columns = ", ".join(row)
    places = ", ".join(f"${place}" for place in range(1, len(row) + 1))
    await connection.execute(f"INSERT INTO cards ({columns}) VALUES ({places})", *row.values())
    return kpj_of(number)


def kpj_of(number: int) -> str:
    return f"{number:011d}"


def card_id(owner: int, number: int) -> UUID:
    return UUID(int=(owner << 64) + number)


async def write(connection: Connection, owner: int, number: int, entries: Sequence[Entry], **around: Any) -> None:
    await connection.executemany(
        """INSERT INTO ledger_entries (participant_id, card_id, number, kind, amount, balance_after, effective_on, recorded_at,
            transfer_id, cause_id, year, received_for_kpj, source_event)
        VALUES ($1, $2, $3, $4::text, $5, 0, $6, now(), CASE WHEN $4::text ~ 'merge|undo|transfer' THEN uuidv7() END, uuidv7(),
            $7, $8, $9)""",
        [
            (
                person(owner),
                card_id(owner, number),
                place,
                entry.kind,
                entry.amount,
                entry.effective_on,
                around.get("year"),
                around.get("received_for"),
                around.get("source_event"),
            )
            for place, entry in enumerate(entries, around.get("first", 1))
        ],
    )


async def compute(connection: Connection, weighed: list[int], year: int = YEAR) -> dict[str, dict[str, Any]]:
    """By card number, in the rights of the role that computes."""
    await connection.execute("SET LOCAL ROLE sepakat_feed")
    rows = await connection.fetch("SELECT * FROM growth_of($1, $2, $3, $4)", person(0), person(10**9), year, weighed)
    await connection.execute("RESET ROLE")
    found = {row["kpj"]: dict(row) for row in rows}
    assert len(found) == len(rows), "a number is computed once"
    return found


def legal(ledger: list[Entry]) -> list[Entry]:
    """Without what no ledger has: an opening that is not its first entry, or nothing that goes."""
    return [
        entry
        for place, entry in enumerate(ledger)
        if (entry.kind != "opening" or place == 0) and (entry.amount or entry.kind in ("opening", "growth"))
    ]


@pytest.mark.parametrize("year", [2024, 2025])
async def test_it_agrees_with_the_rule_on_random_ledgers(connection: Connection, year: int) -> None:
    """Some cards were transferred, once or there and back: what they earned elsewhere is their owner's."""
    random = Random(year)
    rates = random_rates(random, year)
    weighed = weights(rates, year)
    expected: dict[str, int] = {}
    for number in range(1, PEOPLE * 2):
        owner = 1 + number % PEOPLE
        ledger = legal(random_ledger(random, year, random.randrange(14)))
        books = [ledger]
        kpj = await open_card(connection, number, owner)
        await write(connection, owner, number, ledger)
        if number % 10 == 0:
            elsewhere = legal(random_ledger(random, year, 5))
            books.append(elsewhere)
            await open_card(connection, number, PEOPLE + 1, transferred_at=date(year, 6, 1), transfer_id=person(number))
            await write(connection, PEOPLE + 1, number, elsewhere)
            await transfer(connection, number, PEOPLE + 1, owner)
            if number % 20 == 0:
                await transfer(connection, number, owner, PEOPLE + 1)
        expected[kpj] = earned_parts(books, weighed, year)
    found = await compute(connection, weighed, year)
    assert {kpj: (row["parts"], row["amount"]) for kpj, row in found.items()} == {
        kpj: (parts, whole_rupiah(parts, year)) for kpj, parts in expected.items()
    }
    assert sum(1 for parts in expected.values() if parts) > PEOPLE


async def transfer(connection: Connection, number: int, source: int, target: int) -> None:
    """The two rows of a recorded transfer."""
    await connection.executemany(
        """INSERT INTO card_transfers (participant_id, transfer_id, direction, card_id, kpj, other_participant_id, other_card_id,
            case_id, rules_version, staff, second_staff, recorded_at, cause_id, xact)
        VALUES ($1, $2, $3, $4, $5, $6, $7, uuidv7(), '1', 'a', 'b', now(), uuidv7(), pg_current_xact_id())""",
        [
            (
                person(here),
                UUID(int=number * 7 + source),
                way,
                card_id(here, number),
                kpj_of(number),
                person(there),
                card_id(there, number),
            )
            for here, way, there in ((source, "out", target), (target, "in", source))
        ],
    )


def growth(amount: int) -> list[Entry]:
    return [Entry("growth", amount, date(YEAR, 12, 31))]


RATES = weights(random_rates(Random(1), YEAR), YEAR)


async def test_a_card_without_savings_or_gone_to_somebody_else_earns_nothing(connection: Connection) -> None:
    await open_card(connection, 1, 1, programmes=["JKK"], balance=None)
    await open_card(connection, 2, 1, transferred_at=date(2024, 1, 1), transfer_id=person(5))
    kept = await open_card(connection, 3, 1)
    found = await compute(connection, RATES)
    assert set(found) == {kept}
    assert (found[kept]["amount"], found[kept]["credited"], found[kept]["known_since"]) == (0, None, None)


async def test_what_a_merged_card_earned_goes_to_the_card_that_lives(connection: Connection) -> None:
    survivor = await open_card(connection, 1, 1)
    absorbed = await open_card(
        connection,
        2,
        1,
        merge_mark="merged",
        merge_id=person(1),
        merged_into=card_id(1, 1),
        merged_at=date(2024, 6, 1),
        merged_via=[person(1)],
    )
    apart = await open_card(
        connection,
        3,
        1,
        merge_mark="merged_without_consent",
        merge_id=person(2),
        merged_into=card_id(1, 1),
        merged_at=date(2024, 6, 1),
        merged_via=[person(2)],
    )
    found = await compute(connection, RATES)
    assert found[survivor]["living_card_id"] == found[absorbed]["living_card_id"] == card_id(1, 1)
    assert found[apart]["living_card_id"] == card_id(1, 3), "its money is still there"


async def test_credited_is_what_came_for_the_number(connection: Connection) -> None:
    """On the card, on the one that it was merged into, as its share of what the core joined, or where it was before."""
    into = await open_card(connection, 1, 1)
    absorbed = await open_card(connection, 2, 1)
    joined = await open_card(connection, 3, 1)
    untouched = await open_card(connection, 4, 1)
    moved = await open_card(connection, 5, 2)
    await open_card(connection, 5, 3, transferred_at=date(2025, 1, 1), transfer_id=person(5))
    await transfer(connection, 5, 3, 2)
    await connection.execute(
        """INSERT INTO merges (participant_id, merge_id, state, proposed_by, absorb, into_card, reported, proposed_at, cause_id)
        VALUES ($1, uuidv7(), 'reported', 'core', ARRAY[$2::uuid], $3, '{}', now(), uuidv7())""",
        person(1),
        card_id(1, 3),
        card_id(1, 1),
    )
    await write(connection, 1, 1, growth(70), year=YEAR, source_event="a")
    await write(connection, 1, 3, growth(30), year=YEAR, source_event="a", received_for=into)
    await write(connection, 1, 1, growth(5), year=YEAR, source_event="b", received_for=absorbed, first=2)
    await write(connection, 1, 4, growth(9), year=YEAR - 1, source_event="c")
    await write(connection, 3, 5, growth(8), year=YEAR, source_event="d")
    found = await compute(connection, RATES)
    credited = {kpj: row["credited"] for kpj, row in found.items()}
    assert credited == {into: 70, absorbed: 5, joined: 30, untouched: None, moved: 8}


async def test_it_tells_since_when_a_balance_is_known(connection: Connection) -> None:
    since = await open_card(connection, 1, 1)
    await write(connection, 1, 1, [Entry("opening", 10, date(YEAR, 3, 1)), Entry("contribution", 5, date(YEAR, 2, 1))])
    assert (await compute(connection, RATES))[since]["known_since"] == date(YEAR, 3, 1)
