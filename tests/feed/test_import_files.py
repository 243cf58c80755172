"""`import_folder` against a real database, as the role that the product uses."""

from __future__ import annotations

import asyncio
import csv
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
import pytest_asyncio

from app.feed.import_files import import_folder
from tests.conftest import DATA_KEYS
from tests.people import nik_hash

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.conftest import Database

DEMO = Path(__file__).parents[2] / "app" / "local" / "people"
DWI, MAYA, NUR = "3275015704910000", "3275014306900000", "3215014909860000"
EVERYTHING = """
SELECT md5(string_agg(row::text, '|' ORDER BY row::text)) FROM (
    SELECT to_jsonb(c) AS row FROM cards AS c UNION ALL SELECT to_jsonb(h) FROM history AS h
    UNION ALL SELECT to_jsonb(l) FROM ledger_entries AS l UNION ALL SELECT to_jsonb(p) FROM participants AS p
    UNION ALL SELECT to_jsonb(k) FROM claims AS k UNION ALL SELECT to_jsonb(m) FROM merges AS m
    UNION ALL SELECT to_jsonb(s) FROM causes AS s UNION ALL SELECT to_jsonb(e) FROM employers AS e
) AS everything
"""


@pytest_asyncio.fixture
async def admin(fresh_database: Database) -> AsyncIterator[asyncpg.Connection[Any]]:
    connection = await fresh_database.connect()
    yield connection
    await connection.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the demo people, to be spoilt."""
    return Path(shutil.copytree(DEMO, tmp_path / "people"))


def append(folder: Path, file: str, *rows: str) -> int:
    """Adds rows to a file; returns the line of the first."""
    path = folder / file
    text = path.read_text(encoding="utf-8")
    path.write_text(text + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return text.count("\n") + 1


async def load(database: Database, folder: Path, refused: Path | None = None) -> int:
    return await import_folder(database.url("sepakat_feed"), DATA_KEYS, folder, refused)


def refused_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


async def balances(admin: asyncpg.Connection[Any]) -> dict[str, int]:
    return dict(await admin.fetch("SELECT kpj, balance FROM cards"))


async def test_the_demo_people_are_loaded_to_the_rupiah(
    fresh_database: Database, admin: asyncpg.Connection[Any]
) -> None:
    assert await load(fresh_database, DEMO) == 0
    held = await balances(admin)
    assert (held["99000000011"], held["99000000012"]) == (14_265_493, 9_910_352)
    assert held["99000000081"] is None
    assert await admin.fetchval("SELECT count(*) FROM participants") == 19
    assert await admin.fetchval("SELECT count(*) FROM participants WHERE deceased_on IS NOT NULL") == 1
    assert await admin.fetchval("SELECT status FROM cards WHERE kpj = '99000000061'") == "claim_in_progress"
    unlike = await admin.fetch(
        "SELECT kpj FROM cards JOIN ledger_entries USING (participant_id, card_id)"
        " GROUP BY kpj, balance HAVING sum(amount) <> balance"
    )
    assert unlike == []


async def test_everything_is_baseline_and_nobody_is_woken(
    fresh_database: Database, admin: asyncpg.Connection[Any]
) -> None:
    await load(fresh_database, DEMO)
    assert await admin.fetch("SELECT DISTINCT kind FROM history") == [("baseline",)]
    assert await admin.fetch("SELECT DISTINCT origin FROM causes") == [("import",)]
    assert await admin.fetchval("SELECT count(*) FROM outbox") == 0
    # one per participant and card, and two per reported merge
    assert await admin.fetchval("SELECT count(*) FROM history") == 19 + 34 + 2 * 2


async def test_reported_merges_move_nothing(fresh_database: Database, admin: asyncpg.Connection[Any]) -> None:
    await load(fresh_database, DEMO)
    rows = await admin.fetch(
        "SELECT p.name, m.state, c.kpj, c.status, c.balance FROM merges AS m JOIN participants AS p USING (participant_id)"
        " JOIN cards AS c ON c.participant_id = m.participant_id AND c.card_id = m.absorb[1] ORDER BY p.name DESC"
    )
    assert [tuple(row) for row in rows] == [
        ("Nur Hidayati", "reported", "99000000162", "merged_without_consent", 9_902_475),
        ("Maya Kusuma", "reported", "99000000151", "merged_without_consent", 10_844_213),
    ]


async def test_a_second_run_changes_nothing(fresh_database: Database, admin: asyncpg.Connection[Any]) -> None:
    await load(fresh_database, DEMO)
    before = await admin.fetchval(EVERYTHING)
    assert before is not None
    assert await load(fresh_database, DEMO) == 0
    assert await admin.fetchval(EVERYTHING) == before


async def test_whoever_has_a_refused_row_stays_out_until_it_is_corrected(
    fresh_database: Database, admin: asyncpg.Connection[Any], folder: Path, tmp_path: Path
) -> None:
    good = (folder / "contributions.csv").read_text(encoding="utf-8")
    line = append(folder, "contributions.csv", "X1,99000000012,E003,2026-10,one,2026-11-15")
    assert await load(fresh_database, folder, tmp_path / "refused") == 1
    assert [path.name for path in (tmp_path / "refused").iterdir()] == ["contributions.csv"]
    (row,) = refused_rows(tmp_path / "refused" / "contributions.csv")
    assert (row["event_id"], row["refused_line"], row["refused_field"]) == ("X1", str(line), "amount")
    assert await admin.fetchval("SELECT count(*) FROM participants") == 18
    assert await admin.fetchval("SELECT count(*) FROM participant_numbers WHERE nik_hash = $1", nik_hash(DWI)) == 0
    assert "99000000011" not in await balances(admin)

    (folder / "contributions.csv").write_text(good, encoding="utf-8")
    assert await load(fresh_database, folder, tmp_path / "refused") == 0
    assert list((tmp_path / "refused").iterdir()) == []
    assert (await balances(admin))["99000000012"] == 9_910_352


async def test_a_card_number_known_under_another_participant_is_refused(
    fresh_database: Database, admin: asyncpg.Connection[Any], folder: Path, tmp_path: Path
) -> None:
    await load(fresh_database, DEMO)
    cards = (folder / "cards.csv").read_text(encoding="utf-8").splitlines()
    stranger = "3275010101900000"
    append(folder, "participants.csv", f"{stranger},Orang Lain,1990-01-01,,,,,")
    (folder / "cards.csv").write_text("\n".join(line.replace(DWI, stranger) for line in cards) + "\n", encoding="utf-8")
    assert await load(fresh_database, folder, tmp_path / "refused") == 1
    rows = refused_rows(tmp_path / "refused" / "cards.csv")
    assert [(row["refused_line"], row["refused_field"]) for row in rows] == [("2", "kpj"), ("3", "kpj")]
    assert await admin.fetchval("SELECT count(*) FROM participant_numbers WHERE nik_hash = $1", nik_hash(stranger)) == 0


async def test_what_the_database_refuses_keeps_nobody_else_out(
    fresh_database: Database, admin: asyncpg.Connection[Any], tmp_path: Path
) -> None:
    await admin.execute("ALTER TABLE participants ADD CONSTRAINT no_dwi CHECK (name <> 'Dwi Lestari')")
    assert await load(fresh_database, DEMO, tmp_path / "refused") == 1
    (row,) = refused_rows(tmp_path / "refused" / "participants.csv")
    assert row["refused_line"] == "2"
    assert "no_dwi" in row["refused_reason"]
    assert await admin.fetchval("SELECT count(*) FROM participants") == 18
    assert await admin.fetchval("SELECT count(*) FROM card_numbers WHERE kpj LIKE '9900000001_'") == 0


@pytest.mark.parametrize("spoil", ["missing", "misspelt", "header", "twice", "into_itself"])
async def test_a_folder_that_cannot_be_read_loads_nobody(
    fresh_database: Database, admin: asyncpg.Connection[Any], folder: Path, spoil: str
) -> None:
    match spoil:
        case "missing":
            (folder / "cards.csv").unlink()
        case "misspelt":
            (folder / "growth.csv").rename(folder / "growths.csv")
        case "twice":
            shutil.copy(folder / "growth.csv", folder / "growth.csv.gz")
        case "header":
            (folder / "deaths.csv").write_text("nik;on\n", encoding="utf-8")
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert await load(fresh_database, folder, folder if spoil == "into_itself" else None) == 1
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == files
    assert await admin.fetchval("SELECT count(*) FROM participants") == 0
    assert await admin.fetchval("SELECT count(*) FROM employers") == 0


async def test_two_imports_do_not_run_at_once(fresh_database: Database, admin: asyncpg.Connection[Any]) -> None:
    codes = await asyncio.gather(*(load(fresh_database, DEMO) for _ in range(2)))
    assert sorted(codes) in ([0, 0], [0, 1])
    await admin.execute("SELECT pg_advisory_lock(hashtext('sepakat import'))")
    assert await load(fresh_database, DEMO) == 1
    assert await admin.fetchval("SELECT count(*) FROM participants") == 19
