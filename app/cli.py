"""`sepakat …`: the commands. Each loads what it needs when it is called; production never loads app.local."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from app.cli_deliveries import add_deliveries, run_deliveries
from app.cli_webhooks import add_webhooks, run_webhooks
from app.settings import SettingsError

SCHEMA = Path(__file__).parents[1] / "sql" / "schema.sql"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; 0 when it did what was asked, 1 when it could not, 2 when it was asked wrongly."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] in (["phone"], ["core"], ["staff"]):
        from app.local.walk import run

        return run(words[0], words[1:], os.environ)
    try:
        if words[:1] == ["verify"]:
            return _verify(words[1:])
        return _run(_parser().parse_args(words))
    except SettingsError as error:
        print(f"sepakat: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"sepakat: {error}", file=sys.stderr)
        return 1


def _run(chosen: argparse.Namespace) -> int:
    commands: dict[str, Callable[[], int]] = {
        "run": _start,
        "migrate": _migrate,
        "import": lambda: _import(chosen),
        "merges": lambda: _pause_merges(chosen),
        "keys": lambda: _change_keys(chosen),
        "roots": _make_root,
        "matches": _find_matches,
        "unreached": lambda: asyncio.run(_list_unreached()),
        "breach": lambda: _list_touched(chosen),
        "deliveries": lambda: run_deliveries(chosen, _database_url()),
        "webhooks": lambda: run_webhooks(chosen, _database_url()),
        "story": lambda: _play(chosen),
        "schema": _print_schema,
    }
    return commands[chosen.command]()


def _import(chosen: argparse.Namespace) -> int:
    from app.feed.import_files import import_folder

    return asyncio.run(import_folder(_database_url(), _data_keys(), chosen.folder, chosen.refused))


def _play(chosen: argparse.Namespace) -> int:
    from app.local.story import play

    return asyncio.run(play(chosen.person))


def _print_schema() -> int:
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


def _pause_merges(chosen: argparse.Namespace) -> int:
    from asyncpg import PostgresError

    from app.merges.pause import pause, resume

    url = _database_url()
    try:
        if chosen.act == "pause":
            since = asyncio.run(pause(url, chosen.reason))
            print(f"No merge is executed since {since:%Y-%m-%d %H:%M:%S %Z}; `sepakat merges resume` ends it.")
        else:
            ended = asyncio.run(resume(url))
            print("Merges are executed again." if ended else "Merges were not paused.")
    except (PostgresError, ValueError) as error:
        print(f"sepakat: {error}", file=sys.stderr)
        return 1
    return 0


def _find_matches() -> int:
    from app.matches.find import find_now
    from app.settings import read

    suggested = asyncio.run(find_now(read()))
    print(f"{suggested} cards that may be somebody's were suggested.")
    return 0


async def _list_unreached() -> int:
    from asyncpg import PostgresError
    from msgspec.json import encode

    from app.notifications.unreached import count_unreached, list_unreached

    url = _database_url()
    try:
        async for person in list_unreached(url):
            print(encode(person).decode())
        total = await count_unreached(url)
    except PostgresError as error:
        print(f"sepakat: {error}", file=sys.stderr)
        return 1
    print(f"{total.people} people do not know of {total.causes} things that happened to them.", file=sys.stderr)
    return 0


def _list_touched(chosen: argparse.Namespace) -> int:
    from asyncpg import PostgresError

    from app.history.breach import list_touched

    if chosen.since.tzinfo is None or chosen.until.tzinfo is None or chosen.since >= chosen.until:
        print("sepakat: give --since and a later --until with their time zone: 2026-11-25T08:00+07:00", file=sys.stderr)
        return 2
    try:
        found = asyncio.run(list_touched(_database_url(), chosen.since, chosen.until, chosen.role, sys.stdout))
    except PostgresError as error:
        print(f"sepakat: {error}", file=sys.stderr)
        return 1
    print(f"{found:,} participants", file=sys.stderr)
    return 0


def _verify(words: Sequence[str]) -> int:
    """Without --jwks, this installation's own keys are the ones to trust, if it has any."""
    from app.local.processes import receipt_keys
    from app.local.state import state_folder
    from app.platform.signing import read_signing_keys
    from app.verify.__main__ import main as verify

    local = receipt_keys(state_folder(os.environ))
    path = os.environ.get("SEPAKAT_RECEIPT_KEYS") or (str(local) if local.exists() else "")
    if any(word.startswith("--jwks") for word in words) or not path:
        return verify(words, name="sepakat verify")
    keys = read_signing_keys(path).published
    return verify(
        words, keys={"keys": [{"kty": key.kty, "crv": key.crv, "x": key.x} for key in keys.keys]}, name="sepakat verify"
    )


def _change_keys(chosen: argparse.Namespace) -> int:
    from app.platform.sealing import add_data_key
    from app.platform.signing import add_key, put_first

    try:
        if chosen.act == "rotate":
            return _rotate_keys()
        if chosen.act == "add-data":
            made = "" if chosen.file.exists() else f"{chosen.file} is a new file, with a look-up key of its own. "
            key_id = add_data_key(chosen.file)
            print(f"{made}{key_id} seals from now on; `sepakat keys rotate` brings what older keys sealed under it.")
        elif chosen.act == "add":
            kid = add_key(chosen.file)
            print(f"{kid} is published from the next start on; it signs once `sepakat keys use` put it first.")
        else:
            put_first(chosen.file, chosen.kid)
            print(f"{chosen.kid} signs from the next start on.")
    except ValueError as error:
        print(f"sepakat: {error}", file=sys.stderr)
        return 1
    return 0


def _rotate_keys() -> int:
    from asyncpg import PostgresError
    from rich.console import Console

    from app.identity.rotate_keys import rotate_keys

    try:
        with Console().status("sealing anew") as status:
            done = asyncio.run(rotate_keys(_database_url(), _data_keys(), lambda rows: status.update(f"{rows:,} rows")))
    except PostgresError as error:
        print(f"sepakat: {error}", file=sys.stderr)
        return 1
    print(f"{done:,} rows were sealed anew: no other key than the newest is needed any more.")
    return 0


def _make_root() -> int:
    from app.history.roots import make_root_now
    from app.settings import read

    number = asyncio.run(make_root_now(read()))
    made = f"Root {number} is made: see /v1/roots."
    print(made if number else "There is no history yet, or another root is being made.")
    return 0


def _database_url() -> str:
    url = os.environ.get("SEPAKAT_DATABASE_URL")
    if not url:
        raise SettingsError("SEPAKAT_DATABASE_URL is not set: postgresql://user:password@host:5432/sepakat")
    if not url.startswith(("postgresql://", "postgres://")):
        raise SettingsError("SEPAKAT_DATABASE_URL is none: postgresql://user:password@host:5432/sepakat")
    return url


def _data_keys() -> str:
    return os.environ.get("SEPAKAT_DATA_KEYS", "")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sepakat", description="See every card, agree to every merge.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    commands.add_parser("run", help="a whole instance on this machine, with demo people (local mode only)")
    commands.add_parser("migrate", help="bring SEPAKAT_DATABASE_URL, an administrator's, to the newest schema")
    load = commands.add_parser("import", help="load CSV files; twice changes nothing")
    load.add_argument("folder", type=Path, metavar="DIR")
    load.add_argument("--refused", type=Path, metavar="FILE", help="write every refused row and its reason here (CSV)")
    merges = commands.add_parser("merges", help="stop all executions at once, or let them go on")
    acts = merges.add_subparsers(dest="act", required=True, metavar="pause|resume")
    paused = acts.add_parser("pause", help="with SEPAKAT_DATABASE_URL an administrator's; confirmed merges wait")
    paused.add_argument("--reason", required=True, metavar="TEXT", help="participants read it")
    acts.add_parser("resume", help="what is due is executed at once")
    matches = commands.add_parser("matches", help="cards that may be somebody's")
    looks = matches.add_subparsers(dest="act", required=True, metavar="find")
    looks.add_parser("find", help="look at all who are queued, as the worker's role; the worker does so by itself")
    commands.add_parser("unreached", help="whom nothing has reached, as JSON lines, as the operator's role")
    add_deliveries(commands)
    add_webhooks(commands)
    breach = commands.add_parser("breach", help="who was touched in a span of time, as CSV; as the operator's role")
    for name, text in (("--since", "from this instant on"), ("--until", "before this instant")):
        breach.add_argument(name, type=datetime.fromisoformat, required=True, metavar="INSTANT", help=text)
    breach.add_argument("--role", metavar="ROLE", help="only what this database role wrote")
    commands.add_parser("verify", help="check a receipt, an export (history) or roots offline: `sepakat verify --help`")
    keys = commands.add_parser(
        "keys", help="keys that sign receipts (SEPAKAT_RECEIPT_KEYS) and seal data (SEPAKAT_DATA_KEYS)"
    )
    acts = keys.add_subparsers(dest="act", required=True, metavar="add|use|add-data|rotate")
    acts.add_parser("rotate", help="with SEPAKAT_DATABASE_URL an administrator's; nothing needs to stop")
    for name, text in (
        ("add-data", "a new first key of SEPAKAT_DATA_KEYS, which seal identity numbers and contacts"),
        ("add", "publish one more key; the first of a new file signs"),
        ("use", "let this key sign"),
    ):
        act = acts.add_parser(name, help=text)
        act.add_argument("file", type=Path, metavar="FILE")
    act.add_argument("kid", metavar="KID", help="write -- before one that begins with a hyphen")
    roots = commands.add_parser("roots", help="signed roots over all histories")
    roots.add_subparsers(dest="act", required=True, metavar="make").add_parser(
        "make", help="one now, as the worker's role"
    )
    story = commands.add_parser("story", help="play the story against a fresh instance and narrate it")
    story.add_argument("--person", metavar="NAME", help="one of the demo people")
    for name, text in (
        ("phone", "a demo person's phone"),
        ("core", "the agency's core system"),
        ("staff", "the agency's staff"),
    ):
        commands.add_parser(name, help=f"play {text} beside `make run`")  # app.local.walk has its words
    commands.add_parser("schema", help="print the database schema as one file")
    return parser


if __name__ == "__main__":
    sys.exit(main())
