"""A number that never comes holds up its stream: visible with its age, an alarm after a day, skipped by name and for good."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import asyncpg
import httpx
import pytest
import structlog.testing

from app.cli import main
from app.local.servers import Postgres, Valkey
from app.platform.database import connect
from tests.conftest import Apps, Database, settings_for
from tests.feed.conftest import Core, Worker, contribution, sign
from tests.people import nik_hash
from workers.tell_held_events import tell_held_events

DAY_S = 86_400


@pytest.fixture(scope="module")
def database(own_database: Database) -> Database:
    """These tests count all that is held, and move the clock by a day."""
    return own_database


@pytest.fixture(scope="module")
def apps(own_apps: Apps) -> Apps:
    return own_apps


async def ask(core: Core, path: str, body: dict[str, Any], *, status: int = 200) -> dict[str, Any]:
    raw = json.dumps(body).encode()
    answer = await core.feed.post(f"/feed/v1/streams/{path}", content=raw, headers=sign(raw))
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def skip(core: Core, stream: str, last: int = 1, *, status: int = 200) -> dict[str, Any]:
    body = {"stream_skip": {"stream": stream, "last": last, "staff": "budi", "reason": "hilang di pusat data"}}
    return await ask(core, "skip", body, status=status)


async def test_a_gap_is_seen_with_its_age_becomes_an_alarm_and_is_skipped(
    core: Core, dwi: Worker, card: str, api: httpx.AsyncClient, database: Database
) -> None:
    stream = f"participant:{dwi.nik}"
    before = (await core.card(card))["balance"]
    third = contribution(card, 300, month="2026-03", streams={stream: 3})
    fourth = contribution(card, 400, month="2026-04", streams={stream: 4})
    for told in (fourth, third):
        (result,) = await core.send(told)
        assert result["outcome"] == "held"
    (gap,) = (await ask(core, "search", {"stream_search": {}}))["gaps"]
    assert (gap["stream"], gap["first"], gap["last"], gap["held"], gap["event_id"]) == (stream, 1, 2, 2, third["id"])
    assert 0 <= gap["age_s"] < 60
    assert (await ask(core, "search", {"stream_search": {"waiting_s": 3600}}))["gaps"] == []
    assert (await skip(core, stream, 2, status=409))["code"] == "gap_too_young"

    pool = await connect(database.url("sepakat_worker"), size=1, application="tests")
    with structlog.testing.capture_logs() as logged:
        await tell_held_events(pool)
        assert (await api.post("/local/clock", json={"advance_s": DAY_S + 1})).status_code == 200
        await tell_held_events(pool)
    await pool.close()
    assert [(line["log_level"], line["alarming"], line["held"]) for line in logged] == [("info", 0, 2), ("error", 1, 2)]
    assert logged[1]["oldest_s"] > DAY_S

    skipped = await skip(core, stream, 2)
    assert (skipped["first"], skipped["last"]) == (1, 2)
    assert [(one["id"], one["outcome"]) for one in skipped["results"]] == [
        (third["id"], "applied"),
        (fourth["id"], "applied"),
    ]
    assert (await core.card(card))["balance"] == before + 700
    (kept,) = await core.ask("SELECT stream, first, last, staff, reason, database_role FROM feed_skips")
    assert kept == {
        "stream": f"participant:{nik_hash(dwi.nik).hex()}",
        "first": 1,
        "last": 2,
        "staff": "budi",
        "reason": "hilang di pusat data",
        "database_role": "sepakat_feed",
    }
    assert (await skip(core, stream, 2, status=404))["code"] == "gap_unknown"

    # what comes after all is not lost in silence
    late = contribution(card, 200, month="2026-02", streams={stream: 2})
    (result,) = await core.send(late)
    assert (result["outcome"], result["code"]) == ("rejected", "number_skipped")
    (result,) = await core.send(contribution(card, 5, streams={stream: 3}))
    assert (result["outcome"], result["code"]) == ("rejected", "stream_number_taken")
    (result,) = await core.send(contribution(card, 200, month="2026-02", streams={stream: 5}))
    assert result["outcome"] == "applied"


async def test_an_event_of_two_streams_waits_for_the_one_that_is_behind(
    core: Core, dwi: Worker, card: str, api: httpx.AsyncClient
) -> None:
    of_card, of_dwi = f"card:{card}", f"participant:{dwi.nik}"
    await core.send(contribution(card, 5, streams={of_card: 1, of_dwi: 2}))
    (gap,) = (await ask(core, "search", {"stream_search": {}}))["gaps"]
    assert (gap["stream"], gap["first"], gap["last"]) == (of_dwi, 1, 1)
    assert (await skip(core, of_card, status=404))["code"] == "gap_unknown"
    (result,) = await core.send(contribution(card, 6, streams={of_dwi: 1}))
    assert result["outcome"] == "applied"
    assert (await ask(core, "search", {"stream_search": {}}))["gaps"] == []


async def test_a_skip_sent_again_skips_nothing_that_nobody_looked_at(
    core: Core, dwi: Worker, card: str, api: httpx.AsyncClient
) -> None:
    stream = f"participant:{dwi.nik}"
    told = [contribution(card, 100, month=f"2026-0{number}", streams={stream: number}) for number in (2, 4)]
    await core.send(*told)
    assert (await api.post("/local/clock", json={"advance_s": DAY_S + 1})).status_code == 200
    # The process dies between the skip and what waited for it: whoever asks again has it settled, and no other number skipped.
    feed = await core.database.connect("sepakat_feed")
    kept = f"participant:{nik_hash(dwi.nik).hex()}"
    assert await feed.fetchval("SELECT last FROM skip_feed_gap($1, 'budi', 'hilang')", kept) == 1
    await feed.close()
    assert (await skip(core, stream, 1, status=404))["code"] == "gap_unknown"
    (result,) = await core.send(told[0])
    assert (result["outcome"], result["code"]) == ("duplicate", None)
    assert (await skip(core, stream, 1, status=404))["code"] == "gap_unknown", (
        "number 3 is missing as long, but who knows it?"
    )
    assert await core.ask("SELECT first, last FROM feed_skips WHERE stream = $1", kept) == [{"first": 1, "last": 1}]
    (result,) = await core.send(contribution(card, 9, month="2026-03", streams={stream: 3}))
    assert result["outcome"] == "applied"


async def test_by_hand(
    core: Core,
    card: str,
    api: httpx.AsyncClient,
    servers: tuple[Postgres, Valkey],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stream = f"card:{card}"
    await core.send(contribution(card, 5, streams={stream: 2}))
    settings = settings_for(core.database, servers[1], "sepakat_feed")
    for name in ("redis_url", "secret", "data_keys", "env"):
        monkeypatch.setenv(f"SEPAKAT_{name.upper()}", str(getattr(settings, name)))

    async def run(role: str, *words: str) -> tuple[int, str]:
        monkeypatch.setenv("SEPAKAT_DATABASE_URL", core.database.url(role))
        done = await asyncio.to_thread(main, ["feed", *words])
        said = capsys.readouterr()
        return done, said.out + said.err

    go = ("skip", stream, "1", "--staff", "budi", "--reason", "hilang")
    assert (await run("sepakat_operator", "gaps"))[0] == 0
    assert (await run("sepakat_feed", *go))[0] == 1
    assert (await api.post("/local/clock", json={"advance_s": DAY_S + 1})).status_code == 200
    done, said = await run("sepakat_operator", "gaps")
    assert (done, f"{stream} waits for 1 since" in said) == (1, True)
    done, said = await run("sepakat_feed", *go)
    assert (done, "Skipped 1 to 1" in said, "applied" in said) == (0, True, True)
    assert (await run("sepakat_feed", "skip", "card:?", "1", "--staff", "budi", "--reason", "x"))[0] == 1


async def test_skips_are_the_functions_and_for_good(core: Core, database: Database) -> None:
    for role, sql, refusal in (
        ("sepakat_feed", "INSERT INTO feed_skips VALUES ('card:1', 1, 1, now(), now(), 'a', 'b', 'c')", None),
        (
            "postgres",
            "INSERT INTO feed_skips VALUES ('card:1', 1, 1, now(), now(), 'a', 'b', 'c')",
            "feed_skips_by_function_only",
        ),
        ("postgres", "UPDATE feed_skips SET staff = 'nobody'", "feed_skips_are_append_only"),
        ("postgres", "TRUNCATE feed_skips", "feed_skips_are_append_only"),
        ("sepakat_api", "SELECT skip_feed_gap('card:1', 'a', 'b')", None),
        ("sepakat_operator", "SELECT skip_feed_gap('card:1', 'a', 'b')", None),
    ):
        connection = await database.connect(role)
        with pytest.raises(asyncpg.PostgresError) as refused:
            await connection.execute(sql)
        await connection.close()
        if refusal:
            assert getattr(refused.value, "constraint_name", None) == refusal
