"""The clock of a case runs out: its participant is told once, and the agency sees the late ones first."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import httpx
import pytest

from app.cases.overdue import tell_overdue
from app.platform.database import Pool, connect
from tests.cases.reports import Reported, decided, reported_merge
from tests.conftest import FEED_SECRET, Apps, Database
from tests.feed.conftest import Core, sign

IN_TIME_S, DAY_S = 259_200 - 60, 86_400


@pytest.fixture
async def late(fresh_apps: Apps) -> Reported:
    """A dispute that nobody answers; a minute is left."""
    reported = await reported_merge(fresh_apps.api, fresh_apps.database, Core(fresh_apps.feed, fresh_apps.database))
    await reported.dispute()
    await wait(fresh_apps.api, IN_TIME_S, reported)
    return reported


@pytest.fixture
async def pool(fresh_database: Database) -> Any:
    pool = await connect(fresh_database.url("sepakat_worker"), size=4, application="tests")
    yield pool
    await pool.close()


async def wait(api: httpx.AsyncClient, seconds: int, *waiting: Reported) -> None:
    """Time goes by, and who waits signs in again."""
    assert (await api.post("/local/clock", json={"advance_s": seconds})).status_code == 200
    for reported in waiting:
        await reported.phone.sign_in()


async def search(feed: httpx.AsyncClient, state: str) -> dict[str, Any]:
    raw = b'{"case_search": %s}' % state.encode()
    answer = await feed.post("/feed/v1/cases/search", content=raw, headers=sign(raw, secret=FEED_SECRET))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def newest(reported: Reported) -> dict[str, Any]:
    entry: dict[str, Any] = (await reported.phone.get("/v1/inbox?limit=1")).json()["entries"][0]
    return entry


async def test_a_case_past_its_time_is_told_once_with_what_to_do(late: Reported, pool: Pool, fresh_apps: Apps) -> None:
    assert not (await tell_overdue(pool)).lanes
    assert (await late.cases())[0]["overdue"] is False
    await wait(fresh_apps.api, 61, late)
    doorbells = await asyncio.gather(*(tell_overdue(pool) for _ in range(4)))
    assert sum(bool(doorbell.lanes) for doorbell in doorbells) == 1
    assert not (await tell_overdue(pool)).lanes

    assert (await late.kinds()).count("case_overdue") == 1
    entry = await newest(late)
    assert (entry["kind"], entry["reach"], entry["merge_id"]) == ("case_overdue", "ladder", late.merge_id)
    for word in (late.gone, late.kept, "Ombudsman", "3×24"):
        assert word in entry["body"]
    (case,) = await late.cases()
    assert (case["state"], case["overdue"]) == ("open", True)


async def test_a_late_case_can_be_decided_and_a_decided_one_is_late_no_more(
    late: Reported, pool: Pool, fresh_apps: Apps
) -> None:
    core = Core(fresh_apps.feed, fresh_apps.database)
    await core.apply(decided((await late.cases())[0]["id"], "accepted"))
    await late.dispute("Belum dijawab")
    await wait(fresh_apps.api, IN_TIME_S + 61, late)
    await tell_overdue(pool)
    assert (await late.kinds()).count("case_overdue") == 1, "the case that was decided in time is not told of"
    await core.apply(decided((await late.cases())[0]["id"]))
    assert (await late.merge())["state"] == "restored"
    assert [case["overdue"] for case in await late.cases()] == [False, False]


async def test_the_agency_sees_late_cases_first_counted_and_with_their_age(late: Reported, fresh_apps: Apps) -> None:
    core = Core(fresh_apps.feed, fresh_apps.database)
    answered = await reported_merge(fresh_apps.api, fresh_apps.database, core)
    await core.apply(decided((await answered.dispute())["id"], "accepted"))
    await wait(fresh_apps.api, DAY_S, late, answered)
    fresh = await answered.dispute("lagi")

    for asked, expected in (('{"state": "open"}', 2), ("{}", 3)):
        found = await search(fresh_apps.feed, asked)
        assert (found["overdue"], len(found["cases"])) == (1, expected)
        first, *others = found["cases"]
        assert first["id"] == (await late.cases())[0]["id"]
        assert DAY_S - 60 <= first["overdue_s"] < DAY_S
        assert [case["overdue_s"] for case in others] == [None] * len(others)
        assert others[-1]["id"] == fresh["id"]


async def test_only_the_clock_makes_a_case_late(late: Reported, fresh_database: Database) -> None:
    worker = await fresh_database.connect("sepakat_worker")
    assert await worker.fetch("SELECT * FROM tell_overdue_cases(100)") == []
    for statement in (
        "INSERT INTO overdue_cases SELECT participant_id, case_id, now(), cause_id FROM cases",
        "UPDATE overdue_cases SET told_at = now()",
        "TRUNCATE overdue_cases",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await worker.execute(statement)
    await worker.close()
    for role in ("sepakat_api", "sepakat_feed", "sepakat_operator"):
        other = await fresh_database.connect(role)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await other.execute("SELECT tell_overdue_cases(100)")
        await other.close()
    owner = await fresh_database.connect()
    with pytest.raises(asyncpg.CheckViolationError, match="overdue_cases_by_function_only"):
        await owner.execute("INSERT INTO overdue_cases SELECT participant_id, case_id, now(), cause_id FROM cases")
    await owner.close()
