"""Nur's story, over real HTTP against the real processes, and what is left of it in the database."""

from __future__ import annotations

from app.local.demo_people import find_person
from app.local.stories.nur import play
from tests.story.conftest import Scene


async def test_the_story_of_nur(scene: Scene) -> None:
    on, _, database = scene
    await play(on)
    nur = await database.fetchval("SELECT participant_id FROM participants WHERE name = $1", find_person("Nur").name)
    left = await database.fetchrow(
        """SELECT (SELECT sum(amount) FROM ledger_entries WHERE participant_id = $1) AS entries,
        (SELECT sum(balance) FROM cards WHERE participant_id = $1) AS cards,
        (SELECT count(*) FROM open_merge_cards WHERE participant_id = $1) AS held,
        (SELECT count(*) FROM merge_executions WHERE participant_id = $1) AS executions,
        (SELECT count(*) FROM cards WHERE participant_id = $1 AND num_nonnulls(merge_mark, merge_id, frozen_at) > 0) AS marked""",
        nur,
    )
    assert left is not None
    assert left["entries"] == left["cards"]
    assert (left["held"], left["executions"], left["marked"]) == (0, 0, 0)
