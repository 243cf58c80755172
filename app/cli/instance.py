"""`sepakat run|migrate|schema|story`: an instance and its schema."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

from app.cli.environment import database_url

SCHEMA = Path(__file__).parents[2] / "sql" / "schema.sql"


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The words of the group."""
    commands.add_parser(
        "run", help="a whole instance on this machine, with demo people (local mode only)"
    ).set_defaults(run=_start)
    commands.add_parser(
        "migrate", help="bring SEPAKAT_DATABASE_URL, an administrator's, to the newest schema"
    ).set_defaults(run=_migrate)
    commands.add_parser("schema", help="print the database schema as one file").set_defaults(run=_print_schema)
    story = commands.add_parser("story", help="play the story against a fresh instance and narrate it")
    story.add_argument("--person", metavar="NAME", help="one of the demo people")
    story.set_defaults(run=_play)


def _start(_: argparse.Namespace) -> int:
    from app.local.serve import run
    from app.local.servers import ServerError
    from app.local.state import StartError

    try:
        return run(os.environ)
    except (ServerError, StartError) as error:
        print(f"\nsepakat: {error}", file=sys.stderr)
        return 1


def _migrate(_: argparse.Namespace) -> int:
    from app.platform.migrations import MigrationError, migrate

    try:
        applied = asyncio.run(migrate(database_url()))
    except MigrationError as error:
        print(f"sepakat: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"sepakat: no database there ({error}): check SEPAKAT_DATABASE_URL", file=sys.stderr)
        return 1
    print("\n".join(applied) or "the schema is up to date")
    return 0


def _print_schema(_: argparse.Namespace) -> int:
    print(SCHEMA.read_text(encoding="utf-8"), end="")
    return 0


def _play(chosen: argparse.Namespace) -> int:
    from app.local.story import play

    return asyncio.run(play(chosen.person))
