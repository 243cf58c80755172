"""`sepakat matches|unreached|breach`: whose cards, whom nothing has reached, who was touched."""

from __future__ import annotations

import argparse
import asyncio
import sys

from app.cli.environment import database_url, instant


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The words of the group."""
    matches = commands.add_parser("matches", help="cards that may be somebody's")
    matches.set_defaults(run=_find_matches)
    looks = matches.add_subparsers(dest="act", required=True, metavar="find")
    looks.add_parser("find", help="look at all who are queued, as the worker's role; the worker does so by itself")
    commands.add_parser(
        "unreached",
        help="how many nothing has reached, and their cases, as JSON lines, as the operator's role; it names nobody",
    ).set_defaults(run=lambda _: asyncio.run(_list_unreached()))
    breach = commands.add_parser("breach", help="who was touched in a span of time, as CSV; as the operator's role")
    for name, text in (("--since", "from this instant on"), ("--until", "before this instant")):
        breach.add_argument(name, type=instant, required=True, metavar="INSTANT", help=text)
    breach.add_argument("--role", metavar="ROLE", help="only what this database role wrote")
    breach.set_defaults(run=_list_touched)


def _find_matches(_: argparse.Namespace) -> int:
    from app.matches.find import find_now
    from app.settings import read

    suggested = asyncio.run(find_now(read()))
    print(f"{suggested} cards that may be somebody's were suggested.")
    return 0


async def _list_unreached() -> int:
    from msgspec.json import encode

    from app.notifications.unreached import count_unreached, list_unreached

    url = database_url()
    async for person in list_unreached(url):
        print(encode(person).decode())
    total = await count_unreached(url)
    print(f"{total.people} people do not know of {total.causes} things that happened to them.", file=sys.stderr)
    return 0


def _list_touched(chosen: argparse.Namespace) -> int:
    from app.history.breach import list_touched

    if chosen.since >= chosen.until:
        print("sepakat: --until is later than --since", file=sys.stderr)
        return 2
    found = asyncio.run(list_touched(database_url(), chosen.since, chosen.until, chosen.role, sys.stdout))
    print(f"{found:,} participants", file=sys.stderr)
    return 0
