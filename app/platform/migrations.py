"""Applies sql/migrations in order, each file once, in a transaction; refuses a file that was changed afterwards."""

from __future__ import annotations

import hashlib

import asyncpg

from app.platform.sql import SQL_FOLDER

MIGRATIONS = SQL_FOLDER / "migrations"
ADVISORY_LOCK = 0x5E9A_4A7
LOCK_TIMEOUT = "5s"


class MigrationError(RuntimeError):
    """A migration file differs from what was applied, or is missing; the message names it."""


async def migrate(admin_url: str) -> list[str]:
    """Brings the database at `admin_url` to the newest schema; returns the names of the files applied now.

    The URL must be of a role that may create roles and act as them (a superuser). Two migrations at once wait for
    each other. Raises MigrationError when history was rewritten.
    """
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", ADVISORY_LOCK)
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations"
            " (name text PRIMARY KEY, sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        done = {
            row["name"]: row["sha256"] for row in await connection.fetch("SELECT name, sha256 FROM schema_migrations")
        }
        files = sorted(MIGRATIONS.glob("*.sql"))
        missing = done.keys() - {file.name for file in files}
        if missing:
            raise MigrationError(f"the database has migrations that this version does not know: {sorted(missing)}")
        applied = []
        for file in files:
            text = file.read_text(encoding="utf-8")
            digest = hashlib.sha256(text.encode()).hexdigest()
            if file.name in done:
                if done[file.name] != digest:
                    raise MigrationError(f"{file.name} was changed after it was applied; write a new migration instead")
                continue
            async with connection.transaction():
                await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
                await connection.execute(text)
                await connection.execute(
                    "INSERT INTO schema_migrations (name, sha256) VALUES ($1, $2)", file.name, digest
                )
            applied.append(file.name)
        return applied
    finally:
        await connection.close()
