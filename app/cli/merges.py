"""`sepakat merges pause|resume|waiting`: all executions at once, and what waits for the core."""

from __future__ import annotations

import argparse
import asyncio
import sys

from app.cli.environment import database_url


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The words of the group."""
    merges = commands.add_parser(
        "merges", help="stop all executions at once, let them go on, or see what waits for the core"
    )
    merges.set_defaults(run=_pause_merges)
    acts = merges.add_subparsers(dest="act", required=True, metavar="pause|resume|waiting")
    paused = acts.add_parser("pause", help="with SEPAKAT_DATABASE_URL an administrator's; confirmed merges wait")
    paused.add_argument("--reason", required=True, metavar="TEXT", help="participants read it")
    acts.add_parser("resume", help="what is due is executed at once")
    waiting = acts.add_parser("waiting", help="how many merges the core has not answered for; as the operator's role")
    waiting.set_defaults(run=lambda _: asyncio.run(_list_waiting()))


def _pause_merges(chosen: argparse.Namespace) -> int:
    from app.merges.pause import pause, resume

    url = database_url()
    try:
        if chosen.act == "pause":
            since = asyncio.run(pause(url, chosen.reason))
            print(f"No merge is executed since {since:%Y-%m-%d %H:%M:%S %Z}; `sepakat merges resume` ends it.")
        else:
            ended = asyncio.run(resume(url))
            print("Merges are executed again." if ended else "Merges were not paused.")
    except ValueError as error:
        print(f"sepakat: {error}", file=sys.stderr)
        return 1
    return 0


async def _list_waiting() -> int:
    from app.merges.unanswered import LONG, count_waiting
    from app.platform.database import connect

    pool = await connect(database_url(), size=1, application="sepakat merges")
    try:
        waiting = await count_waiting(pool, LONG)
    finally:
        await pool.close()
    for one in waiting:
        print(
            f"{one.waiting:>8,}  {one.state:<9} {one.unanswered:,} of them for more than {LONG.days} days; the first since"
            f" {one.since:%Y-%m-%d %H:%M:%S %Z}"
        )
    if not waiting:
        print("The core has answered for everything.")
    return 0
