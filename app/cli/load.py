"""`sepakat import|export`: existing data in, and what is kept out, as CSV or Parquet files."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from app.cli.environment import data_keys, database_url, day


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The words of the group."""
    load = commands.add_parser("import", help="load CSV or Parquet files; twice changes nothing")
    load.add_argument(
        "folder", type=Path, metavar="DIR", help="the folder with employers, participants, cards …: docs/import.md"
    )
    load.add_argument(
        "--refused",
        type=Path,
        metavar="DIR",
        help="write refused rows and their reasons here, in the form of their files",
    )
    load.set_defaults(run=_import)
    export = commands.add_parser(
        "export", help="write everybody's cards, merges or cases to a file, as the operator's role"
    )
    export.add_argument("what", choices=("cards", "merges", "cases"))
    export.add_argument("file", type=Path, metavar="FILE", help="ending in .csv, .csv.gz or .parquet")
    export.add_argument("--purpose", required=True, metavar="TEXT", help="what for; kept on record")
    export.add_argument("--as-of", type=day, metavar="DAY", help="cards as they stood at the end of this day")
    export.set_defaults(run=_export)


def _import(chosen: argparse.Namespace) -> int:
    from app.feed.import_files import import_folder

    return asyncio.run(import_folder(database_url(), data_keys(), chosen.folder, chosen.refused))


def _export(chosen: argparse.Namespace) -> int:
    from app.cli.progress import count
    from app.feed.export_rows import export_rows
    from app.platform.table_problems import TableRefused

    if chosen.as_of is not None and chosen.what != "cards":
        print("sepakat: --as-of is for cards", file=sys.stderr)
        return 2
    try:
        with count("rows") as shown:
            task = shown.add_task("exporting", total=None)
            rows = asyncio.run(
                export_rows(
                    database_url(),
                    chosen.what,
                    chosen.file,
                    purpose=chosen.purpose,
                    as_of=chosen.as_of,
                    told=lambda more: shown.update(task, advance=more),
                )
            )
    except TableRefused as error:
        print(f"sepakat: {error}", file=sys.stderr)
        return 1
    print(f"{rows:,} {chosen.what} written to {chosen.file}", file=sys.stderr)
    return 0
