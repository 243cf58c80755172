"""How far announcements have come: by the feed, by `sepakat announcements`, and for the sweep of the workers."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from app.cli import main
from app.platform.database import Pool
from app.platform.sql import load, statement
from tests.announcements.conftest import Connection, Tell, announcement
from tests.conftest import SECRET, Database
from tests.crowds import gather
from tests.feed.conftest import Core, sign
from tests.people import add_person

DUE = load("notifications/sweep")["chores_due"]
LEASE = statement("notifications/climb", "lease")


async def search(core: Core, **wanted: Any) -> dict[str, Any]:
    raw = json.dumps({"announcement_search": wanted}).encode()
    answer = await core.feed.post("/feed/v1/announcements/search", content=raw, headers=sign(raw))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_progress_is_visible_and_stopping_too(
    core: Core, own_database: Database, pool: Pool, tell: Tell, connection: Connection,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    async def command(*words: str) -> tuple[int, str]:
        code = await asyncio.to_thread(main, ["announcements", *words])
        return code, capsys.readouterr().out

    monkeypatch.setenv("SEPAKAT_DATABASE_URL", own_database.url("sepakat_operator"))
    await gather(own_database.url(), SECRET, 400)
    sent, few = announcement({"all": True}), announcement({"employer_id": "E-AN-9"})
    await connection.execute("INSERT INTO employers VALUES ('E-AN-9', 'PT Sembilan')")
    await core.apply(sent, few)
    (waits,) = (await search(core, event_id=sent["id"]))["announcements"]
    assert (waits["state"], waits["reached"], waits["share"], waits["left_s"]) == ("running", 0, 0, None)
    assert (await pool.fetch(DUE))[0]["announcements"]
    await pool.fetch("SELECT FROM announce_to_some($1, 100, 20000)", waits["id"])
    (goes,) = (await search(core, event_id=sent["id"]))["announcements"]
    assert goes["reached"] == 100
    assert 0.1 < goes["share"] < 0.5
    assert goes["published"] == {"title": sent["data"]["title"], "body": sent["data"]["body"]}
    code, shown = await command("show", sent["id"])
    assert code == 0
    assert "100 people reached" in shown
    assert sent["data"]["body"]["en"] in shown

    code, shown = await command("stop", sent["id"], "--reason", "salah tahun")
    assert code == 0
    assert "salah tahun" in shown
    assert (await command("stop", "nobody-s", "--reason", "x"))[0] == 1
    await tell()
    page = await search(core, limit=1)
    assert [found["event_id"] for found in page["announcements"]] == [few["id"]]
    (stopped,) = (await search(core, limit=1, before=page["next"]))["announcements"]
    assert (stopped["event_id"], stopped["state"], stopped["reached"]) == (sent["id"], "stopped", 100)
    assert (stopped["stopped_by"], stopped["reason"]) == ("sepakat_operator", "salah tahun")
    assert [found["event_id"] for found in (await search(core, state="done"))["announcements"]] == [few["id"]]
    assert not (await pool.fetch(DUE))[0]["announcements"]
    code, shown = await command("list")
    assert (code, shown.count("people reached")) == (0, 2)


async def test_messages_of_an_announcement_go_out_after_all_that_is_urgent(
    core: Core, own_database: Database, pool: Pool, tell: Tell, connection: Connection
) -> None:
    dwi, sari = await add_person(own_database), await add_person(own_database)
    await core.apply(announcement({"niks": [dwi.nik]}, severity="critical", staff="s-ani", second_staff="s-budi"))
    await tell()
    await connection.execute(
        """SELECT append_history(ARRAY[ROW($1, 'unexplained_change', NULL, NULL, record_cause($1, 'core', 'tests'),
            '{}')::history_entry])""",
        sari.participant_id,
    )
    await connection.execute(
        "UPDATE climbs SET due_at = current_instant() - interval '1 day' WHERE participant_id = $1", dwi.participant_id
    )
    leased = [(await pool.fetch(LEASE, 1, timedelta(seconds=12), ["mail"]))[0]["participant_id"] for _ in range(2)]
    assert leased == [sari.participant_id, dwi.participant_id]
