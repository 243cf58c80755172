"""Agus's story, over real HTTP against the real processes, and what is left of it in the database."""

from __future__ import annotations

from app.local.demo_people import find_person
from app.local.stories.agus import LOST, play
from tests.story.conftest import Scene


async def test_the_story_of_agus(scene: Scene) -> None:
    on, running, database = scene
    await play(on)
    agus = await database.fetchval("SELECT participant_id FROM participants WHERE name = $1", find_person("Agus").name)
    rows = await database.fetch(
        "SELECT participant_id, status, balance FROM cards WHERE kpj = $1 ORDER BY status", LOST
    )
    assert [row["status"] for row in rows] == ["inactive", "transferred_away"]
    assert rows[0]["participant_id"] == agus != rows[1]["participant_id"]
    assert rows[1]["balance"] == 0
    assert await database.fetchval("SELECT participant_id FROM card_numbers WHERE kpj = $1", LOST) == agus
    legs = await database.fetch(
        "SELECT kind, amount FROM ledger_entries WHERE transfer_id IN (SELECT transfer_id FROM card_transfers) ORDER BY amount"
    )
    assert [leg["kind"] for leg in legs] == ["transfer_out", "transfer_in"]
    assert sum(leg["amount"] for leg in legs) == 0
    kept = [file for file in (running.folder / "documents").rglob("*") if file.is_file()]
    assert len(kept) == 1
    assert b"Exif" not in kept[0].read_bytes()
    suggested = await database.fetch(
        "SELECT p.name FROM possible_matches JOIN participants AS p USING (participant_id)"
    )
    assert [row["name"] for row in suggested] == [find_person("Agus").name], "nobody else was suggested anything"
