"""What the agency gets out: everybody's cards, merges and cases as files, on record, and nothing of who they are."""

from __future__ import annotations

import csv
import gzip
import hashlib
from datetime import date
from pathlib import Path
from typing import Any

import asyncpg
import pyarrow
import pyarrow.parquet
import pytest
import pytest_asyncio

from app.feed.export_rows import export_rows
from app.platform.sql import statement
from app.platform.table_problems import TableRefused
from tests.conftest import Apps, Database
from tests.feed.conftest import Core, contribution, event
from tests.people import NewCard, Person, add_person

PURPOSE = "Pencocokan bulanan"


@pytest_asyncio.fixture
async def admin(own_database: Database) -> Any:
    connection = await own_database.connect()
    yield connection
    await connection.close()


@pytest_asyncio.fixture
async def people(own_apps: Apps, own_database: Database) -> list[Person]:
    """One with two cards and money since, one with a card without JHT, one dead."""
    core = Core(own_apps.feed, own_database)
    dwi = await add_person(own_database, NewCard(balance=14_265_493), NewCard(balance=9_910_352, status="active"))
    other = await add_person(own_database, NewCard(programmes=("JKK",)))
    dead = await add_person(own_database, NewCard(balance=5), deceased_on=date(2026, 1, 1))
    await core.apply(contribution(dwi.kpjs[1], 319_177))
    return [dwi, other, dead]


def read_csv(path: Path) -> list[dict[str, str]]:
    packed = path.read_bytes()
    text = (gzip.decompress(packed) if path.suffix == ".gz" else packed).decode()
    return list(csv.DictReader(text.splitlines()))


async def test_cards_come_out_the_same_in_every_form_and_it_is_on_record(
    own_database: Database, admin: asyncpg.Connection[Any], people: list[Person], tmp_path: Path
) -> None:
    cards = await admin.fetchval("SELECT count(*) FROM cards")
    url = own_database.url()
    for name in ("cards.csv", "cards.csv.gz", "cards.parquet"):
        assert await export_rows(url, "cards", tmp_path / name, purpose=PURPOSE) == cards
    rows = read_csv(tmp_path / "cards.csv")
    assert rows == read_csv(tmp_path / "cards.csv.gz")
    table = pyarrow.parquet.read_table(tmp_path / "cards.parquet")
    assert (table.schema.field("balance").type, table.schema.field("opened_on").type) == (
        pyarrow.int64(),
        pyarrow.date32(),
    )
    assert [{k: "" if v is None else str(v) for k, v in row.items()} for row in table.to_pylist()] == rows
    mine = {row["kpj"]: (row["status"], row["balance"]) for row in rows}
    old, new = people[0].kpjs
    assert (mine[old], mine[new]) == (("inactive", "14265493"), ("active", "10229529"))
    assert mine[people[1].kpjs[0]] == ("inactive", "")

    kept = await admin.fetch(
        "SELECT what, purpose, rows, sha256, ended_at >= began_at FROM data_exports ORDER BY began_at"
    )
    assert [tuple(row)[:3] for row in kept] == [("cards", PURPOSE, cards)] * 3
    assert kept[0]["sha256"] == hashlib.sha256((tmp_path / "cards.csv").read_bytes()).digest()
    assert (tmp_path / "cards.csv").stat().st_mode & 0o077 == 0


async def test_cards_as_of_a_day_are_what_each_participant_is_shown_of_it(
    own_database: Database, admin: asyncpg.Connection[Any], people: list[Person], tmp_path: Path
) -> None:
    for day in (date(2026, 3, 1), date(2026, 3, 2), date(2019, 1, 1)):
        await export_rows(own_database.url(), "cards", tmp_path / "cards.csv", purpose=PURPOSE, as_of=day)
        exported = {
            row["kpj"]: (row["status"], row["balance"], row["merged_into"]) for row in read_csv(tmp_path / "cards.csv")
        }
        shown = {
            row["kpj"]: (row["status"], "" if row["balance"] is None else str(row["balance"]), row["living_kpj"] or "")
            for person in people
            for row in await admin.fetch(statement("cards/as_of"), person.participant_id, day, None)
            if row["kpj"] is not None
        }
        assert {kpj: exported.get(kpj) for kpj in shown} == shown
    await export_rows(own_database.url(), "cards", tmp_path / "cards.csv", purpose=PURPOSE, as_of=date(2026, 3, 1))
    before = {row["kpj"]: row["balance"] for row in read_csv(tmp_path / "cards.csv")}
    assert before[people[0].kpjs[1]] == "9910352"


async def test_merges_and_cases_come_out_by_card_number_and_nobody_is_named(
    own_apps: Apps, own_database: Database, admin: asyncpg.Connection[Any], people: list[Person], tmp_path: Path
) -> None:
    old, new = people[0].kpjs
    core = Core(own_apps.feed, own_database)
    data = {"absorbed": new, "into": old, "merged_on": "2026-03-03", "balances": {new: 1, old: 1}}
    report = {"kpj": old, "as_of": "2026-11-01", "balance": 1, "status": "inactive"}
    await core.apply(event("card.merged", data), event("balance.reported", report))
    for what in ("merges", "cases", "cards"):
        await export_rows(own_database.url(), what, tmp_path / f"{what}.csv", purpose=PURPOSE)
    mine = str(people[0].participant_id)
    (merge,) = [row for row in read_csv(tmp_path / "merges.csv") if row["participant_id"] == mine]
    assert (merge["state"], merge["proposed_by"], merge["absorb"], merge["into"]) == ("reported", "core", new, old)
    (case,) = [row for row in read_csv(tmp_path / "cases.csv") if row["participant_id"] == mine]
    assert (case["kind"], case["state"], case["kpj"]) == ("balance", "open", old)
    text = "".join((tmp_path / f"{what}.csv").read_text() for what in ("merges", "cases", "cards"))
    assert not any(value in text for person in people for value in (person.nik, person.name, person.phone or "-"))


async def test_nothing_is_read_that_is_not_on_record_and_no_half_file_is_left(
    own_database: Database, admin: asyncpg.Connection[Any], people: list[Person], tmp_path: Path
) -> None:
    began = await admin.fetchval("SELECT count(*) FROM data_exports")
    for role in ("sepakat_feed", "sepakat_api", "sepakat_staff", "sepakat_worker"):
        with pytest.raises(asyncpg.PostgresError):
            await export_rows(own_database.url(role), "cards", tmp_path / "cards.csv", purpose=PURPOSE)
    with pytest.raises(asyncpg.CheckViolationError):
        await export_rows(own_database.url(), "cards", tmp_path / "cards.csv", purpose=" ")
    with pytest.raises(TableRefused, match="lies ahead"):
        await export_rows(own_database.url(), "cards", tmp_path / "cards.csv", purpose=PURPOSE, as_of=date(2999, 1, 1))
    with pytest.raises(TableRefused, match="names no form"):
        await export_rows(own_database.url(), "cards", tmp_path / "cards.xlsx", purpose=PURPOSE)

    def stop(rows: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await export_rows(own_database.url(), "cards", tmp_path / "cards.csv", purpose=PURPOSE, told=stop)
    assert list(tmp_path.iterdir()) == []
    ended = await admin.fetch("SELECT ended_at IS NULL FROM data_exports ORDER BY began_at OFFSET $1", began)
    assert [row[0] for row in ended] == [True, True]
    operator = await own_database.connect("sepakat_operator")
    await operator.execute("SET default_transaction_read_only = off")
    for forbidden in ("DELETE FROM data_exports", "UPDATE data_exports SET purpose = 'x'", "TRUNCATE data_exports"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await operator.execute(forbidden)
    await operator.close()
    with pytest.raises(asyncpg.PostgresError, match="exports_end_once"):
        await admin.execute("UPDATE data_exports SET rows = 0 WHERE ended_at IS NOT NULL")
