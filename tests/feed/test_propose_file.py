"""Merges proposed to many from a file: each once, checked like any proposal, capped by day, after its announcement."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import msgspec
import pyarrow
import pyarrow.parquet
import pytest
import pytest_asyncio

from app.feed.propose_file import Announced, ProposalsRefused, Report, propose_file
from app.local.servers import Postgres, Valkey
from tests.conftest import Database, settings_for
from tests.people import NewCard, Person, add_person

HOLD_PROPOSALS = "SELECT pg_advisory_lock(hashtext('sepakat proposals'))"
PUBLISH = """
SELECT publish_announcement(gen_random_uuid(), $1, 'info', '{}', ARRAY(
    SELECT nik_hash FROM participant_numbers WHERE participant_id = ANY ($2)), '', '{}', NULL, NULL, '{}', '{}', NULL, NULL, NULL)
"""
REACH = """
SELECT t.participant_id FROM announcements AS a CROSS JOIN announce_to_some(a.announcement_id, 1, 1) AS t WHERE a.event_id = $1
"""


class Agency:
    """Loads files of proposals into one database, whose days it lets go by."""

    def __init__(self, database: Database, valkey: Valkey, admin: asyncpg.Connection[Any], folder: Path) -> None:
        self.database, self.admin, self.path, self.refused = (
            database,
            admin,
            folder / "rows.csv",
            folder / "refused.csv",
        )
        self.settings = settings_for(database, valkey, "sepakat_feed")

    def write(self, *rows: tuple[str, str, str]) -> None:
        with self.path.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows([("absorb", "into", "reason"), *rows])

    async def load(self, path: Path | None = None, announced: Announced | None = None, **settings: Any) -> Report:
        changed = msgspec.structs.replace(self.settings, **settings)
        return await propose_file(changed, path or self.path, announced=announced, refused=self.refused)

    def refusals(self) -> list[tuple[str, str]]:
        with self.refused.open(encoding="utf-8", newline="") as stream:
            return [(row["refused_line"], row["refused_code"]) for row in csv.DictReader(stream)]

    async def person(self, *balances: int) -> Person:
        opened = [NewCard(balance=balance, opened_on=date(2013, 3, place)) for place, balance in enumerate(balances, 1)]
        return await add_person(self.database, *opened)

    async def merges(self, person: Person) -> list[tuple[str, int]]:
        """The state of each, and how many cards it absorbs."""
        rows = await self.admin.fetch(
            "SELECT state, cardinality(absorb) FROM merges WHERE participant_id = $1", person.participant_id
        )
        return [tuple(row) for row in rows]

    async def pass_days(self, days: float) -> None:
        await self.admin.execute("UPDATE local_clock SET ahead = ahead + $1::interval", timedelta(days=days))


@pytest_asyncio.fixture
async def agency(own_database: Database, servers: tuple[Postgres, Valkey], tmp_path: Path) -> Any:
    admin = await own_database.connect()
    agency = Agency(own_database, servers[1], admin, tmp_path)
    await agency.pass_days(1)  # what other tests proposed was yesterday
    yield agency
    await admin.close()


def row(person: Person, reason: str = "Dua kartu atas satu NIK") -> tuple[str, str, str]:
    """All but the last card into the last."""
    *absorb, into = person.kpjs
    return ("|".join(absorb), into, reason)


async def test_each_row_waits_for_its_participant_and_twice_the_same_changes_nothing(agency: Agency) -> None:
    two, three = await agency.person(10, 20), await agency.person(1, 2, 3)
    agency.write(row(two), row(three, ""))
    report = await agency.load()
    assert (report.rows, report.proposed, report.refused) == (2, 2, 0)
    assert await agency.merges(two) == [("proposed", 1)]
    assert await agency.merges(three) == [("proposed", 2)]
    entries = await agency.admin.fetch(
        "SELECT h.kind, c.origin, c.reason, c.bulk, o.class FROM history AS h JOIN causes AS c USING (participant_id, cause_id)"
        " JOIN outbox AS o USING (participant_id, seq) WHERE participant_id = $1 AND h.kind = 'merge_proposed'",
        two.participant_id,
    )
    assert [tuple(entry) for entry in entries] == [("merge_proposed", "agency", "Dua kartu atas satu NIK", True, 1)]

    before = await agency.admin.fetchval("SELECT count(*) FROM history")
    await agency.pass_days(1)
    again = await agency.load()
    assert (again.proposed, again.proposed_before, again.refused) == (0, 2, 0)
    assert await agency.admin.fetchval("SELECT count(*) FROM history") == before


async def test_what_may_not_be_proposed_is_refused_with_its_code_in_every_run(agency: Agency) -> None:
    locked, never, opened, stranger, good = [await agency.person(10, 20) for _ in range(5)]
    dead = await add_person(agency.database, NewCard(), NewCard(), deceased_on=date(2026, 1, 1))
    agency.write(row(never), row(opened))
    assert (await agency.load()).proposed == 2
    merge_id = await agency.admin.fetchval(
        "SELECT merge_id FROM merges WHERE participant_id = $1", never.participant_id
    )
    await agency.admin.execute("SELECT never_suggest($1, $2, 'tests')", never.participant_id, merge_id)
    await agency.admin.execute(
        "UPDATE merges SET state = 'cancelled', closed_at = now(), cause_id = record_cause($1, 'core', 'tests')"
        " WHERE participant_id = $1",
        never.participant_id,
    )
    card_id = locked.cards[locked.kpjs[0]].card_id
    await agency.admin.execute("SELECT lock_card($1, $2, 'tests')", locked.participant_id, card_id)
    await agency.pass_days(1)
    one = stranger.kpjs[0]
    agency.write(
        row(locked),
        row(never),
        row(opened),
        row(good),
        row(dead),
        (one, good.kpjs[0], ""),
        ("99123", one, ""),
        (one, stranger.kpjs[1], "\u202e"),
        (one, "9912345678", ""),
        (one, one, ""),
    )
    report = await agency.load()
    assert (report.proposed, report.refused, report.waiting.total()) == (1, 9, 0)
    expected = [
        ("2", "card_locked"),
        ("3", "never_suggest"),
        ("4", "merge_already_open"),
        ("6", "merge_not_allowed"),
        ("7", "cards_of_different_owners"),
        ("8", "row_malformed"),
        ("9", "row_malformed"),
        ("10", "card_unknown"),
        ("11", "data_invalid"),
    ]
    assert agency.refusals() == expected
    agency.refused.unlink()
    again = await agency.load()
    assert (again.proposed, again.proposed_before, again.refused) == (0, 1, 9)
    assert agency.refusals() == expected


async def test_one_a_day_to_a_participant_and_the_next_goes_out_the_next_day(agency: Agency) -> None:
    person = await agency.person(1, 2, 3, 4)
    first, second, third, fourth = person.kpjs
    agency.write((first, second, ""), (third, fourth, ""))
    report = await agency.load()
    assert (report.proposed, report.refused, report.waiting) == (1, 0, {"proposals_too_many": 1})
    assert (await agency.load()).waiting == {"proposals_too_many": 1}
    assert len(await agency.merges(person)) == 1
    await agency.pass_days(1)
    report = await agency.load()
    assert (report.proposed, report.proposed_before, report.waiting.total()) == (1, 1, 0)
    assert len(await agency.merges(person)) == 2


async def test_a_day_takes_so_many_and_the_rest_goes_out_on_the_next_days(agency: Agency) -> None:
    people = [await agency.person(1, 2) for _ in range(5)]
    stranger = await agency.person(1, 2)
    # one that is refused takes nothing of the day
    agency.write((stranger.kpjs[0], people[0].kpjs[0], ""), *map(row, people))
    days = []
    for _ in range(3):
        report = await agency.load(proposals_day_limit=2)
        days.append((report.proposed, report.proposed_before, report.refused, report.waiting["proposals_day_full"]))
        await agency.pass_days(1)
    assert days == [(2, 0, 1, 3), (2, 2, 1, 1), (1, 4, 1, 0)]


async def test_no_proposal_comes_before_its_announcement_has_been_there_for_so_long(agency: Agency) -> None:
    reached, unreached = await agency.person(1, 2), await agency.person(1, 2)
    announced, other = Announced(f"a-{uuid4()}", timedelta(hours=24)), f"a-{uuid4()}"
    agency.write(row(reached), row(unreached))
    with pytest.raises(ProposalsRefused, match="No announcement came by event"):
        await agency.load(announced=announced)
    for event_id, person in ((announced.event_id, reached), (other, unreached)):
        await agency.admin.execute(PUBLISH, event_id, [person.participant_id])
    assert await agency.admin.fetchval(REACH, other) == unreached.participant_id
    assert (await agency.load(announced=announced)).waiting == {"announcement_not_yet": 2}
    assert await agency.admin.fetchval(REACH, announced.event_id) == reached.participant_id
    assert (await agency.load()).waiting == {"announcement_not_yet": 2}
    await agency.pass_days(1.01)
    # what the file waits for was said the first time: nobody can forget it, or say something else
    report = await agency.load()
    assert (report.proposed, report.waiting) == (1, {"announcement_not_yet": 1})
    assert await agency.merges(unreached) == []
    with pytest.raises(ProposalsRefused, match="waits for"):
        await agency.load(announced=Announced(other, timedelta(0)))


async def test_parquet_is_taken_and_its_refused_rows_come_back_in_parquet(agency: Agency, tmp_path: Path) -> None:
    person = await agency.person(1, 2, 3)
    *absorb, into = person.kpjs
    rows = {"absorb": [absorb, ["99123"]], "into": [into, into], "reason": [None, None]}
    pyarrow.parquet.write_table(pyarrow.table(rows), tmp_path / "rows.parquet")
    report = await agency.load(tmp_path / "rows.parquet")
    assert (report.proposed, report.refused) == (1, 1)
    assert await agency.merges(person) == [("proposed", 2)]
    (refused,) = pyarrow.parquet.read_table(agency.refused).to_pylist()
    assert (refused["absorb"], refused["refused_line"], refused["refused_field"]) == (["99123"], 2, "absorb")


async def test_nothing_is_proposed_of_a_file_that_is_none_or_while_another_is_loaded(agency: Agency) -> None:
    person = await agency.person(1, 2)
    agency.path.write_text("absorb,into\n")
    with pytest.raises(ProposalsRefused, match="columns absorb,into,reason"):
        await agency.load()
    agency.write(row(person))
    await agency.admin.execute(HOLD_PROPOSALS)
    with pytest.raises(ProposalsRefused, match="being loaded"):
        await agency.load()
    await agency.admin.execute("SELECT pg_advisory_unlock_all()")
    assert await agency.merges(person) == []
