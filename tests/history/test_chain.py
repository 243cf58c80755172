"""History is gap-free and chained; whatever is altered, dropped, added or reordered shows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.conftest import Database
from tests.history.chain import breaks
from tests.people import NewCard, Phone, add_person

READ = """SELECT h.*, d.salt, d.data FROM history AS h LEFT JOIN history_data AS d USING (participant_id, seq)
    WHERE participant_id = $1 ORDER BY seq"""


async def written_history(api: httpx.AsyncClient, database: Database) -> tuple[list[dict[str, Any]], tuple[int, bytes]]:
    person = await add_person(database, NewCard(balance=5), NewCard(balance=7, status="active"), name="Siti Nuraéni")
    phone = await Phone(api, "Ponsel “baru”").enrol(person)
    merge = (await phone.post("/v1/merges", {"absorb": [person.kpjs[0]], "into": person.kpjs[1]})).json()
    await phone.post(f"/v1/merges/{merge['id']}/decline", {"reason": "Belum yakin — nanti"})
    connection = await database.connect()
    await connection.execute("SET TIME ZONE 'Asia/Jayapura'")
    entries = [dict(row) for row in await connection.fetch(READ, person.participant_id)]
    head = await connection.fetchrow(
        "SELECT seq, hash FROM participant_heads WHERE participant_id = $1", person.participant_id
    )
    await connection.close()
    assert head is not None
    return entries, (head["seq"], head["hash"])


async def test_what_was_written_verifies(api: httpx.AsyncClient, database: Database) -> None:
    entries, head = await written_history(api, database)
    assert [entry["kind"] for entry in entries] == [
        "participant_registered",
        "card_opened",
        "card_opened",
        "key_added",
        "merge_drafted",
        "merge_declined",
    ]
    assert breaks(entries, head) == []


async def test_erased_data_leaves_the_chain_whole(api: httpx.AsyncClient, database: Database) -> None:
    entries, head = await written_history(api, database)
    entries[1] |= {"salt": None, "data": None}
    assert breaks(entries, head) == []


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("kind", "baseline"),
        ("card_id", uuid4()),
        ("card_id", None),
        ("merge_id", uuid4()),
        ("cause_id", uuid4()),
        ("participant_id", uuid4()),
        ("wording", "2026-12"),
        ("data", "{}"),
        ("salt", bytes(16)),
        ("commitment", bytes(32)),
        ("hash", bytes(32)),
        ("seq", 3),
    ],
)
async def test_any_altered_field_shows(api: httpx.AsyncClient, database: Database, name: str, other: object) -> None:
    entries, head = await written_history(api, database)
    entries[1] |= {name: other}
    assert breaks(entries, head)


async def test_moved_instants_show(api: httpx.AsyncClient, database: Database) -> None:
    for name in ("occurred_at", "recorded_at"):
        entries, head = await written_history(api, database)
        entries[2][name] += timedelta(microseconds=1)
        assert breaks(entries, head)


async def test_dropped_added_and_reordered_entries_show(api: httpx.AsyncClient, database: Database) -> None:
    entries, head = await written_history(api, database)
    for altered in (entries[:-1], entries[1:], entries[:2] + entries[3:], [*entries, entries[-1]], entries[::-1]):
        assert breaks(altered, head)
