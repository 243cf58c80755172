"""An announcement reaches its audience, each once, in chunks that go on after any crash; and nobody else."""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import rfc8785

from app.platform.database import Pool
from tests.announcements.conftest import BODY, TITLE, Connection, Tell, announcement
from tests.conftest import SECRET, Apps, Database
from tests.crowds import gather
from tests.feed.conftest import Core
from tests.people import NewCard, Phone, add_person

CROWD = 2000
TWO = {"staff": "s-ani", "second_staff": "s-budi"}


async def publish(core: Core, *, code: str | None = None, **data: Any) -> dict[str, Any]:
    """The event, applied; with what became of it, `code`."""
    sent = announcement(**data)
    (result,) = await core.send(sent)
    assert (result["outcome"], result["code"]) == ("applied", code), result
    return sent


async def reached(connection: Connection, sent: dict[str, Any]) -> set[UUID]:
    rows = await connection.fetch(
        """SELECT t.participant_id FROM announced AS t JOIN announcements AS a USING (announcement_id)
        WHERE a.event_id = $1 AND t.seq IS NOT NULL""",
        sent["id"],
    )
    return {row["participant_id"] for row in rows}


async def test_all_are_reached_once_whoever_goes_on_after_a_crash(
    core: Core, own_database: Database, connection: Connection, pool: Pool, tell: Tell
) -> None:
    crowd = {one.participant_id for one in await gather(own_database.url(), SECRET, CROWD)}
    dead = await add_person(own_database, deceased_on=None)
    await connection.execute(
        "ALTER TABLE participants DISABLE TRIGGER ALL; UPDATE participants SET deceased_on = '2026-01-01'"
        f" WHERE participant_id = '{dead.participant_id}'; ALTER TABLE participants ENABLE TRIGGER ALL"
    )
    sent = await publish(core, audience={"all": True})
    late = await add_person(own_database)
    announcement_id = await connection.fetchval(
        "SELECT announcement_id FROM announcements WHERE event_id = $1", sent["id"]
    )
    # A worker that is killed in the middle of a chunk leaves nothing of it, and one that was killed after it all of it.
    killed = await own_database.connect("sepakat_worker")
    await killed.execute("BEGIN")
    await killed.fetch("SELECT FROM announce_to_some($1, 300, 20000)", announcement_id)
    killed.terminate()
    assert await reached(connection, sent) == set()
    some = await pool.fetch("SELECT participant_id FROM announce_to_some($1, 300, 20000)", announcement_id)
    assert len(some) == 300
    assert await reached(connection, sent) == {row["participant_id"] for row in some}
    told = await asyncio.gather(tell(at_once=300, window=700), tell(at_once=300, window=700))
    assert sum(told) == CROWD - 300
    assert await reached(connection, sent) == crowd
    assert late.participant_id not in crowd
    counts = await connection.fetchrow(
        """SELECT count(*) AS entries, count(DISTINCT h.participant_id) AS people, count(DISTINCT h.cause_id) AS causes,
            count(*) FILTER (WHERE o.class = 1) AS bulk, bool_and(t.seq = h.seq) AS named
        FROM history AS h JOIN announced AS t ON t.participant_id = h.participant_id
        LEFT JOIN outbox AS o ON o.participant_id = h.participant_id AND o.seq = h.seq
        WHERE h.kind = 'announcement_info' AND t.announcement_id = $1""",
        announcement_id,
    )
    assert dict(counts) == {"entries": CROWD, "people": CROWD, "causes": CROWD, "bulk": CROWD, "named": True}
    run = await connection.fetchrow("SELECT * FROM announcement_runs WHERE announcement_id = $1", announcement_id)
    assert (run["state"], run["reached"]) == ("done", CROWD)


async def test_it_is_stored_once_and_shown_in_both_languages(
    core: Core, own_apps: Apps, own_database: Database, connection: Connection, tell: Tell
) -> None:
    dwi = await add_person(own_database, email="dwi@example.id")
    phone = await Phone(own_apps.api).enrol(dwi)
    sent = await publish(core, audience={"niks": [dwi.nik]}, severity="warning")
    assert await tell() == 1
    row = await connection.fetchrow(
        "SELECT d.data, h.kind FROM history AS h JOIN history_data AS d USING (participant_id, seq)"
        " WHERE participant_id = $1 ORDER BY seq DESC LIMIT 1",
        dwi.participant_id,
    )
    digest = hashlib.sha256(rfc8785.dumps({"title": TITLE, "body": BODY})).hexdigest()
    data = json.loads(row["data"])
    assert (row["kind"], data["text_sha256"], set(data)) == (
        "announcement_warning",
        digest,
        {"announcement_id", "text_sha256"},
    )
    for language in ("id", "en"):
        entry = (await phone.get("/v1/inbox", headers={"accept-language": language})).json()["entries"][0]
        assert TITLE[language] in entry["title"]
        assert BODY[language] in entry["body"]
        assert (entry["announcement_id"], entry["explained_by"]) == (data["announcement_id"], [])
        assert (entry["reach"], entry["severity"]) == ("push", "warning")
    assert await reached(connection, sent) == {dwi.participant_id}


async def test_by_employer_by_segment_and_by_list(
    core: Core, own_database: Database, connection: Connection, tell: Tell
) -> None:
    sari = await add_person(own_database, NewCard(employer_id="E-AN-1", employer="PT Satu", segment="PMI"))
    budi = await add_person(own_database, NewCard(employer_id="E-AN-2", employer="PT Dua", segment="PMI"))
    to_employer = await publish(core, audience={"employer_id": "E-AN-1"})
    to_segment = await publish(core, audience={"segment": "PMI"})
    to_list = await publish(core, audience={"niks": [budi.nik, budi.nik, "9" * 16]}, code="participants_unknown")
    assert await tell(window=100) == 4
    assert await reached(connection, to_employer) == {sari.participant_id}
    assert await reached(connection, to_segment) == {sari.participant_id, budi.participant_id}
    assert await reached(connection, to_list) == {budi.participant_id}
    audience = await connection.fetchval("SELECT audience FROM announcements WHERE event_id = $1", to_list["id"])
    assert json.loads(audience) == {"niks": 2, "unknown": 1}


async def test_a_correction_ends_what_it_replaces_and_reaches_whom_that_reached(
    core: Core, own_database: Database, connection: Connection, pool: Pool, tell: Tell
) -> None:
    people = [one.participant_id for one in await gather(own_database.url(), SECRET, 40)]
    wrong = await publish(core, audience={"all": True}, **TWO)
    announcement_id = await connection.fetchval(
        "SELECT announcement_id FROM announcements WHERE event_id = $1", wrong["id"]
    )
    await pool.fetch("SELECT FROM announce_to_some($1, 25, 20000)", announcement_id)
    budi = await add_person(own_database)
    title = {"id": "Ralat pengumuman", "en": "Correction of an announcement"}
    right = await publish(core, audience={"niks": [budi.nik]}, title=title, replaces=wrong["id"])
    assert await tell() == 26
    before = await reached(connection, wrong)
    assert len(before) == 25
    assert await reached(connection, right) == before | {budi.participant_id}
    run = await connection.fetchrow("SELECT * FROM announcement_runs WHERE announcement_id = $1", announcement_id)
    assert (run["state"], run["reached"]) == ("stopped", 25)
    assert right["id"] in run["reason"]
    again = announcement({"all": True}, replaces=wrong["id"], **TWO)
    assert [result["code"] for result in await core.send(again)] == ["announcement_replaced_already"]
    assert people


async def test_it_can_be_stopped_midway(
    core: Core, own_database: Database, connection: Connection, pool: Pool, tell: Tell
) -> None:
    await gather(own_database.url(), SECRET, 20)
    sent = await publish(core, audience={"all": True}, **TWO)
    announcement_id = await connection.fetchval(
        "SELECT announcement_id FROM announcements WHERE event_id = $1", sent["id"]
    )
    await pool.fetch("SELECT FROM announce_to_some($1, 10, 20000)", announcement_id)
    operator = await own_database.connect("sepakat_operator")
    await operator.execute("SET default_transaction_read_only = off")
    assert await operator.fetchval("SELECT stop_announcement($1, 'salah tahun')", announcement_id)
    assert not await operator.fetchval("SELECT stop_announcement($1, 'salah tahun')", announcement_id)
    await operator.close()
    assert await tell() == 0
    assert len(await reached(connection, sent)) == 10


async def test_a_critical_one_climbs_to_mail_and_sms_and_never_to_people(
    core: Core, own_database: Database, connection: Connection, tell: Tell
) -> None:
    dwi = await add_person(own_database)
    await publish(core, audience={"niks": [dwi.nik]}, severity="critical", **TWO)
    assert await tell() == 1
    climbs = await connection.fetch(
        "SELECT channel FROM climbs WHERE participant_id = $1 ORDER BY step", dwi.participant_id
    )
    assert [row["channel"] for row in climbs] == ["mail", "sms"]


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("data_invalid", {"audience": {}}),
        ("data_invalid", {"audience": {"all": True, "segment": "PU"}}),
        ("data_invalid", {"audience": {"all": False}}),
        ("data_invalid", {"title": {"id": "Hanya satu bahasa"}}),
        ("data_invalid", {"title": TITLE | {"en": "x" * 121}}),
        ("data_invalid", {"explains": {"kinds": ["no_such_kind"], "from": "2026-12-31", "until": "2027-01-02"}}),
        ("data_invalid", {"explains": {"kinds": ["growth_credited"], "from": "2026-12-31"}}),
        ("data_invalid", {"explains": {"kinds": ["growth_credited"], "from": "2026-12-31", "until": "2028-01-02"}}),
        ("announcement_tappable", {"body": BODY | {"en": "Read more at https://example.org/growth today."}}),
        ("announcement_tappable", {"body": BODY | {"id": "Selengkapnya di bpjs-palsu.id sekarang juga."}}),
        ("announcement_tappable", {"title": TITLE | {"id": "Telepon 0812 3456 7890"}}),
        ("employer_unknown", {"audience": {"employer_id": "E-NOBODY"}}),
        ("participant_unknown", {"audience": {"niks": ["9" * 16]}}),
        ("announcement_unknown", {"replaces": "no-such-event"}),
        ("four_eyes_needed", {"severity": "critical"}),
        ("four_eyes_needed", {"severity": "critical", "staff": "s-ani", "second_staff": "s-ani"}),
    ],
)
async def test_what_is_refused_and_why(core: Core, connection: Connection, code: str, change: dict[str, Any]) -> None:
    before = await connection.fetchval("SELECT count(*) FROM announcements")
    sent = announcement(**({"audience": {"segment": "JAKON"}} | change))
    (result,) = await core.send(sent)
    assert (result["outcome"], result["code"]) == ("rejected", code), result
    assert await connection.fetchval("SELECT count(*) FROM announcements") == before


async def test_more_than_three_to_all_on_one_day_take_two_people(core: Core, connection: Connection) -> None:
    day = "jakarta_day(published_at) = jakarta_day(current_instant()) AND audience ?| ARRAY['all', 'segment']"
    left = 3 - await connection.fetchval(f"SELECT count(*) FROM announcements WHERE {day}")
    results = await core.send(*(announcement({"all": True}) for _ in range(max(left, 0) + 1)))
    assert [result["code"] for result in results] == [None] * max(left, 0) + ["announcements_of_the_day"]
    await core.apply(announcement({"segment": "JAKON"}, **TWO))
    await core.apply(announcement({"employer_id": "E-AN-1"}))


@pytest.mark.parametrize(
    ("constraint", "statement"),
    [
        ("announcements_are_append_only", "UPDATE announcements SET canonical = 'x'"),
        ("announcements_are_append_only", "DELETE FROM announcements"),
        ("announcements_are_append_only", "TRUNCATE announcements CASCADE"),
        ("announced_once", "UPDATE announced SET seq = 1 WHERE seq IS NOT NULL"),
        ("announced_once", "DELETE FROM announced"),
        ("runs_end_once", "UPDATE announcement_runs SET state = 'running', ended_at = NULL WHERE state = 'done'"),
        (
            "announced_by_function_only",
            "INSERT INTO announced SELECT participant_id, gen_random_uuid() FROM participants LIMIT 1",
        ),
    ],
)
async def test_what_was_announced_stays_even_for_a_superuser(
    connection: Connection, constraint: str, statement: str
) -> None:
    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refused:
        await connection.execute(statement)
    assert refused.value.constraint_name == constraint


async def test_no_other_role_announces(own_database: Database) -> None:
    for role in ("sepakat_api", "sepakat_staff", "sepakat_operator"):
        connected = await own_database.connect(role)
        for call in (
            "announce_to_some($1, 1, 1)",
            "publish_announcement($1, '', '', '{}', NULL, '', '{}', NULL, NULL, '{}', '{}', NULL, NULL, NULL)",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connected.execute(f"SELECT {call}", uuid4())
        await connected.close()
