"""Maya's story, over real HTTP against the real processes, and what is left of it in the database."""

from __future__ import annotations

from app.local.demo_people import find_person
from app.local.stories.maya import play
from tests.story.conftest import Scene


async def test_the_story_of_maya(scene: Scene) -> None:
    on, _, database = scene
    await play(on)
    maya = await database.fetchval("SELECT participant_id FROM participants WHERE name = $1", find_person("Maya").name)
    states = await database.fetch("SELECT state FROM merges WHERE participant_id = $1 ORDER BY state", maya)
    assert [row["state"] for row in states] == ["restored", "undone"]
    left = await database.fetchrow(
        """SELECT (SELECT sum(amount) FROM ledger_entries WHERE participant_id = $1) AS entries,
        (SELECT sum(balance) FROM cards WHERE participant_id = $1) AS cards,
        (SELECT count(*) FROM open_merge_cards WHERE participant_id = $1) AS held""",
        maya,
    )
    assert left is not None
    assert left["entries"] == left["cards"]
    assert left["held"] == 0
