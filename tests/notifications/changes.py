"""Changes of cards as the agency's feed writes them, each with its history and outbox rows."""

from __future__ import annotations

import json
from uuid import UUID

import asyncpg

from tests.conftest import Database
from tests.people import Person

APPLY = "SELECT apply_changes(array(SELECT c FROM jsonb_populate_recordset(NULL::card_change, $1) AS c))"


async def post_contribution(
    database: Database, person: Person, *, amount: int = 319_177, bulk: bool = False, cards: int = 1
) -> UUID:
    """One contribution to each of the first `cards` cards, all of one cause. The cause's id."""
    connection = await database.connect("sepakat_feed")
    try:
        async with connection.transaction():
            return await _post(connection, person, amount, bulk=bulk, cards=cards)
    finally:
        await connection.close()


async def post_contributions(database: Database, people: list[Person], *, times: int = 1, bulk: bool = False) -> None:
    """Many of them on one connection: `times` to each person."""
    connection = await database.connect("sepakat_feed")
    try:
        for _ in range(times):
            for person in people:
                async with connection.transaction():
                    await _post(connection, person, 1000, bulk=bulk, cards=1)
    finally:
        await connection.close()


async def _post(
    connection: asyncpg.Connection[asyncpg.Record], person: Person, amount: int, *, bulk: bool, cards: int
) -> UUID:
    cause_id: UUID = await connection.fetchval(
        "SELECT record_cause($1, 'core', 'tests', p_bulk => $2)", person.participant_id, bulk
    )
    changes = [
        {
            "participant_id": str(person.participant_id),
            "card_id": str(card.card_id),
            "cause_id": str(cause_id),
            "kind": "contribution_posted",
            "ledger_kind": "contribution",
            "amount": amount,
            "effective_on": "2026-10-31",
            "month": "2026-10-01",
            "data": {"month": "2026-10", "amount": amount, "employer": "PT Sinar Garmen Majalaya"},
        }
        for card in list(person.cards.values())[:cards]
    ]
    await connection.execute(APPLY, json.dumps(changes))
    return cause_id
