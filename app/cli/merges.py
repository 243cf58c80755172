"""`sepakat merges pause|resume`: all executions at once."""

from __future__ import annotations

import argparse
import asyncio
import sys

from app.cli.environment import database_url


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The words of the group."""
    merges = commands.add_parser("merges", help="stop all executions at once, or let them go on")
    merges.set_defaults(run=_pause_merges)
    acts = merges.add_subparsers(dest="act", required=True, metavar="pause|resume")
    paused = acts.add_parser("pause", help="with SEPAKAT_DATABASE_URL an administrator's; confirmed merges wait")
    paused.add_argument("--reason", required=True, metavar="TEXT", help="participants read it")
    acts.add_parser("resume", help="what is due is executed at once")


def _pause_merges(chosen: argparse.Namespace) -> int:
    from asyncpg import PostgresError

    from app.merges.pause import pause, resume

    url = database_url()
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
