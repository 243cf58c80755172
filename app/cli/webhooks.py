"""`sepakat webhooks …`: what the core was not told of yet, for an operator."""

from __future__ import annotations

import argparse
import asyncio
import sys

from app.cli.environment import database_url, instant


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The words of the group."""
    group = commands.add_parser("webhooks", help="what the core is told; as the operator's role")
    group.set_defaults(run=_run)
    acts = group.add_subparsers(dest="act", required=True, metavar="list|replay")
    acts.add_parser("list", help="how many events wait or were refused, of which type, since when")
    again = acts.add_parser("replay", help="send again what the core refused")
    again.add_argument(
        "--since",
        type=instant,
        metavar="INSTANT",
        help="and what it took from then on, with its time zone",
    )


def _run(words: argparse.Namespace) -> int:
    """Runs one command; 0 when it was done, 2 when it was asked wrongly."""
    from app.feed.tell import count_untold, replay

    if words.act == "replay":
        print(f"{asyncio.run(replay(database_url(), words.since)):,} events go out again.")
        return 0
    untold = asyncio.run(count_untold(database_url()))
    for one in untold:
        print(
            f"{one.events:>8,}  {one.state:<8} {one.type:<20} {one.code or '':<24} since {one.since:%Y-%m-%d %H:%M:%S %Z}"
        )
    print(
        "The core knows everything." if not untold else f"{sum(one.events for one in untold):,} events", file=sys.stderr
    )
    return 0
