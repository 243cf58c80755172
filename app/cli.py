"""`sepakat …`: the commands. Each loads what it needs when it is called; production never loads app.local."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from app.settings import SettingsError

SCHEMA = Path(__file__).parents[1] / "sql" / "schema.sql"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; 0 when it did what was asked, 1 when it could not, 2 when it was asked wrongly."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] in (["phone"], ["core"]):
        from app.local.walk import run

        return run(words[0], words[1:], os.environ)
    try:
        return _run(_parser().parse_args(words))
    except SettingsError as error:
        print(f"sepakat: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"sepakat: {error}", file=sys.stderr)
        return 1


def _run(chosen: argparse.Namespace) -> int:
    match chosen.command:
        case "run":
            return _start()
        case "migrate":
            return _migrate()
        case "import":
            from app.feed.import_files import import_folder

            return asyncio.run(import_folder(_database_url(), chosen.folder, chosen.refused))
        case "story":
            from app.local.story import play

            return asyncio.run(play(chosen.person))
        case _:
            print(SCHEMA.read_text(encoding="utf-8"), end="")
            return 0


def _start() -> int:
    from app.local.serve import run
    from app.local.servers import ServerError
    from app.local.state import StartError

    try:
        return run(os.environ)
    except (ServerError, StartError) as error:
        print(f"\nsepakat: {error}", file=sys.stderr)
        return 1


def _migrate() -> int:
    from asyncpg import PostgresError

    from app.platform.migrations import MigrationError, migrate

    try:
        applied = asyncio.run(migrate(_database_url()))
    except (MigrationError, PostgresError) as error:
        print(f"sepakat: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"sepakat: no database there ({error}): check SEPAKAT_DATABASE_URL", file=sys.stderr)
        return 1
    print("\n".join(applied) or "the schema is up to date")
    return 0


def _database_url() -> str:
    url = os.environ.get("SEPAKAT_DATABASE_URL")
    if not url:
        raise SettingsError("SEPAKAT_DATABASE_URL is not set: postgresql://user:password@host:5432/sepakat")
    return url


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sepakat", description="See every card, agree to every merge.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    commands.add_parser("run", help="a whole instance on this machine, with demo people (local mode only)")
    commands.add_parser("migrate", help="bring SEPAKAT_DATABASE_URL, an administrator's, to the newest schema")
    load = commands.add_parser("import", help="load CSV files; twice changes nothing")
    load.add_argument("folder", type=Path, metavar="DIR")
    load.add_argument("--refused", type=Path, metavar="FILE", help="write every refused row and its reason here (CSV)")
    story = commands.add_parser("story", help="play the story against a fresh instance and narrate it")
    story.add_argument("--person", metavar="NAME", help="one of the demo people")
    for name, text in (("phone", "a demo person's phone"), ("core", "the agency's core system")):
        commands.add_parser(name, help=f"play {text} beside `make run`")  # app.local.walk has its words
    commands.add_parser("schema", help="print the database schema as one file")
    return parser


if __name__ == "__main__":
    sys.exit(main())
