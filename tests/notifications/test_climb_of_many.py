"""Climbs that begin together: of one call that writes entries of several people, causes and ladders."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg

from tests.conftest import SECRET, Database
from tests.crowds import gather

NOW, QUARTER, LATE = timedelta(0), timedelta(minutes=15), timedelta(hours=72)
CLIMBS = """
SELECT c.channel, c.step, c.seqs, c.due_at - e.recorded_at AS after FROM climbs AS c
JOIN history AS e ON e.participant_id = c.participant_id AND e.seq = c.seqs[1]
WHERE c.participant_id = $1 ORDER BY c.step, c.channel
"""


async def write(connection: asyncpg.Connection[asyncpg.Record], *entries: tuple[UUID, str, UUID]) -> None:
    """(participant, kind, cause) of each, in one call."""
    await connection.execute(
        """SELECT append_history(array(SELECT ROW(p, k, NULL, NULL, c, '{"kpj": "99000000011"}')::history_entry
        FROM unnest($1::uuid[], $2::text[], $3::uuid[]) AS e (p, k, c)))""",
        *(list(column) for column in zip(*entries, strict=True)),
    )


async def cause_of(connection: asyncpg.Connection[asyncpg.Record], person: UUID) -> UUID:
    cause_id: UUID = await connection.fetchval("SELECT record_cause($1, 'agency', 'tests')", person)
    return cause_id


async def climbs(connection: asyncpg.Connection[asyncpg.Record], person: UUID) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await connection.fetch(CLIMBS, person)]


async def test_each_has_the_steps_of_its_kinds_and_causes(database: Database) -> None:
    dwi, sari, third = await gather(database.url(), SECRET, 3)
    connection = await database.connect()
    await connection.execute(
        """INSERT INTO push_targets (participant_id, device_id, kind, value, platform, locale, set_at)
        VALUES ($1, $2, 'fid', 'fid-of-many', 'android', 'id', current_instant())""",
        sari.participant_id,
        sari.device_id,
    )
    async with connection.transaction():
        a, b, c = [await cause_of(connection, one.participant_id) for one in (dwi, sari, third)]
        other = await cause_of(connection, sari.participant_id)
        await write(
            connection,
            (dwi.participant_id, "card_transferred_here", a),  # warning
            (sari.participant_id, "key_added", b),  # a ladder of its own
            (dwi.participant_id, "contribution_posted", a),  # does not climb
            (dwi.participant_id, "unexplained_change", a),  # critical
            (sari.participant_id, "card_transferred_here", other),
            (third.participant_id, "contribution_posted", c),
        )
        await write(connection, (dwi.participant_id, "unexplained_change", a))
    assert await climbs(connection, dwi.participant_id) == [
        ("mail", 1, [2, 4, 5], NOW),  # no phone to push to, and one of them is grave
        ("sms", 2, [2, 4, 5], QUARTER),
        ("people", 3, [2, 4, 5], LATE),
    ]
    assert await climbs(connection, sari.participant_id) == [
        ("mail", 1, [2], NOW),
        ("mail", 1, [3], QUARTER),
        ("sms", 2, [2], NOW),
        ("sms", 2, [3], timedelta(hours=4)),
        ("people", 3, [2], LATE),
        ("people", 3, [3], LATE),
    ]
    assert await climbs(connection, third.participant_id) == []
    await connection.close()


async def test_what_waits_longer_takes_the_earlier_time_of_a_later_call(database: Database) -> None:
    [sari] = await gather(database.url(), SECRET, 1)
    connection = await database.connect()
    async with connection.transaction():
        cause_id = await cause_of(connection, sari.participant_id)
        for kind in ("card_transferred_here", "key_added"):
            await write(connection, (sari.participant_id, kind, cause_id))
    assert [(row[0], row[3]) for row in await climbs(connection, sari.participant_id)] == [
        ("mail", NOW),
        ("sms", NOW),
        ("people", LATE),
    ]
    await connection.close()
