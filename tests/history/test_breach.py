"""After a breach: exactly those who were touched, by whom and when, and how they can be told."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from app.history.breach import list_touched
from tests.conftest import Apps, Database
from tests.people import Phone, add_person

NOW = datetime.now(UTC)


async def touched(
    database: Database, since: datetime, until: datetime, role: str | None = None
) -> list[dict[str, str]]:
    out = io.StringIO()
    found = await list_touched(database.url("sepakat_operator"), since, until, role, out)
    rows = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert len(rows) == found
    return rows


async def test_those_who_were_touched_are_listed_and_nobody_else(fresh_apps: Apps) -> None:
    database = fresh_apps.database
    one = await add_person(database)
    two = await add_person(database, phone=None)
    admin = await database.connect()
    between = await admin.fetchval("SELECT clock_timestamp()")
    phone = await Phone(fresh_apps.api).enrol(one)
    await phone.put(f"/v1/cards/{next(iter(one.cards.values())).card_id}/lock", {})
    await admin.execute("UPDATE cards SET locked_at = now() WHERE participant_id = $1", two.participant_id)
    await admin.close()

    everybody = {
        row["participant_id"] for row in await touched(database, NOW - timedelta(hours=1), NOW + timedelta(hours=1))
    }
    assert everybody == {str(one.participant_id), str(two.participant_id)}
    later = {row["participant_id"]: row for row in await touched(database, between, NOW + timedelta(hours=1))}
    assert later[str(one.participant_id)]["kinds"] == "card_locked key_added"
    assert later[str(one.participant_id)]["looks"] == "0"
    by_hand = await touched(database, between, NOW + timedelta(hours=1), "postgres")
    assert [(row["participant_id"], row["kinds"], row["has_phone"]) for row in by_hand] == [
        (str(two.participant_id), "unexplained_change", "False")
    ]
    assert await touched(database, NOW - timedelta(hours=2), NOW - timedelta(hours=1)) == []


async def test_the_command_wants_a_span_with_its_time_zone(database: Database) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"SEPAKAT_DATABASE_URL": database.url("sepakat_operator")}
        command = [sys.executable, "-m", "app.cli", "breach", *words]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    refused = run("--since", "2026-11-25T08:00", "--until", "2026-11-26T08:00")
    assert (refused.returncode, "with its time zone" in refused.stderr) == (2, True)
    done = run("--since", "2001-01-01T00:00+07:00", "--until", "2001-01-02T00:00+07:00")
    assert (done.returncode, done.stderr.strip()) == (0, "0 participants")


async def test_a_role_that_sees_nobody_is_not_told_that_nobody_was_touched(database: Database) -> None:
    span = (NOW - timedelta(hours=1), NOW + timedelta(hours=1))
    for role in ("sepakat_api", "sepakat_feed"):
        with pytest.raises(asyncpg.PostgresError, match="sepakat_operator"):
            await list_touched(database.url(role), *span, None, io.StringIO())
