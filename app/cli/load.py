"""`sepakat import`: existing data, from CSV or Parquet files."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from app.cli.environment import data_keys, database_url


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The words of the group."""
    load = commands.add_parser("import", help="load CSV or Parquet files; twice changes nothing")
    load.add_argument("folder", type=Path, metavar="DIR")
    load.add_argument(
        "--refused",
        type=Path,
        metavar="DIR",
        help="write refused rows and their reasons here, in the form of their files",
    )
    load.set_defaults(run=_import)


def _import(chosen: argparse.Namespace) -> int:
    from app.feed.import_files import import_folder

    return asyncio.run(import_folder(database_url(), data_keys(), chosen.folder, chosen.refused))
