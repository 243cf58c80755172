"""The schema file says what the migrations do, and every statement fits the schema."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.platform.migrations import MIGRATIONS, MigrationError, migrate
from app.platform.sql import SQL_FOLDER, load
from tests.conftest import Database
from tests.sql.schema_file import SCHEMA_FILE, dump

QUERIES = sorted(str(file.relative_to(SQL_FOLDER / "queries"))[:-4] for file in (SQL_FOLDER / "queries").rglob("*.sql"))


async def test_the_schema_file_is_what_the_migrations_make(fresh_database: Database) -> None:
    connection = await fresh_database.connect()
    await connection.execute("REVOKE UPDATE ON local_clock FROM sepakat_api")  # granted in local mode and in tests only
    await connection.close()
    assert SCHEMA_FILE.read_text(encoding="utf-8") == dump(fresh_database.url()), "run `make schema`"


@pytest.mark.parametrize("path", QUERIES)
async def test_every_statement_fits_the_schema(database: Database, path: str) -> None:
    connection = await database.connect()
    for name, text in load(path).items():
        assert text.strip().endswith(";"), f"{path}: {name} does not end with a semicolon"
        await connection.prepare(text)
    await connection.close()


async def test_migrating_again_changes_nothing(fresh_database: Database) -> None:
    assert await migrate(fresh_database.url()) == []


async def test_a_migration_that_was_changed_afterwards_is_refused(fresh_database: Database) -> None:
    connection = await fresh_database.connect()
    await connection.execute(
        "UPDATE schema_migrations SET sha256 = 'x' WHERE name = $1", min(MIGRATIONS.glob("*")).name
    )
    with pytest.raises(MigrationError, match=r"0001_roles\.sql was changed"):
        await migrate(fresh_database.url())
    await connection.execute("INSERT INTO schema_migrations VALUES ('9999_from_the_future.sql', 'x')")
    with pytest.raises(MigrationError, match="9999_from_the_future"):
        await migrate(fresh_database.url())
    await connection.close()


def test_sql_stands_in_sql_files_only() -> None:
    verbs = re.compile(r"\"\s*(SELECT|INSERT INTO|UPDATE \w+ SET|DELETE FROM)\b")
    allowed = {"app/platform/migrations.py", "app/platform/health.py"}
    root = SQL_FOLDER.parent
    files = [file for folder in ("app", "workers") for file in (root / folder).rglob("*.py")]
    found = [str(file.relative_to(root)) for file in files if verbs.search(Path(file).read_text(encoding="utf-8"))]
    assert [name for name in found if name not in allowed and not name.startswith("app/local/")] == []
