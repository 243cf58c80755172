"""`sepakat deliveries …`: pushes that were not delivered, for an operator. Registration values are never read."""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from app.cli.environment import database_url, instant

if TYPE_CHECKING:
    from app.notifications.dead_letters import Chosen, DeadLetters, Total

UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The words of the group."""
    group = commands.add_parser("deliveries", help="pushes that were not delivered; as the operator's role")
    group.set_defaults(run=_run)
    acts = group.add_subparsers(dest="act", required=True, metavar="list|count|replay|allow-clearing")
    listed = acts.add_parser("list", help="as JSON lines; how many of each code and class at the foot")
    counted = acts.add_parser("count", help="how many of each code and class, and how old")
    replayed = acts.add_parser("replay", help="send them again, under the ids that they had")
    for act in (listed, counted, replayed):
        act.add_argument("--code", metavar="CODE", help="whose reason is this or begins so: given_up, INVALID_ARGUMENT")
        act.add_argument("--since", type=instant, metavar="INSTANT", help="that died since, with its time zone")
        act.add_argument("--class", dest="entry_class", choices=("security", "card", "notice"))
    replayed.add_argument("ids", type=UUID, nargs="*", metavar="ID", help="the delivery_id of each")
    replayed.add_argument("--all", action="store_true", help="whichever")
    allowed = acts.add_parser("allow-clearing", help="clear targets however many they are: it is known to be genuine")
    allowed.add_argument(
        "--for", dest="for_", type=_span, required=True, metavar="1h", help="30m, 1h, 1d at most; 0m ends it"
    )


def _run(words: argparse.Namespace) -> int:
    """Runs one command; 0 when it was done, 2 when nothing was chosen."""
    if words.act == "replay" and not (words.ids or words.all or words.code or words.since or words.entry_class):
        print("sepakat: say which: ids, --code, --since, --class, or --all", file=sys.stderr)
        return 2
    asyncio.run(_act(words))
    return 0


async def _act(words: argparse.Namespace) -> None:
    from app.notifications.dead_letters import Chosen, open_dead_letters

    async with open_dead_letters(database_url()) as letters:
        if words.act == "allow-clearing":
            until = await letters.allow_clearing(words.for_)
            print(f"Targets are cleared however many they are until {until:%Y-%m-%d %H:%M:%S %Z}.")
            return
        chosen = Chosen(words.since, words.code, words.entry_class, getattr(words, "ids", None) or None)
        if words.act == "replay":
            await _replay(letters, chosen)
            return
        if words.act == "list":
            await _list(letters, chosen)
        print(await _sum_up(letters, chosen), file=sys.stderr if words.act == "list" else sys.stdout)


async def _list(letters: DeadLetters, chosen: Chosen) -> None:
    from msgspec.json import encode

    async for letter in letters.each(chosen):
        print(encode(letter).decode())


async def _replay(letters: DeadLetters, chosen: Chosen) -> None:
    outcomes = await letters.replay(chosen)
    sent = outcomes.pop("sent_again", 0)
    if chosen.delivery_ids:
        outcomes["not_dead"] += len(set(chosen.delivery_ids)) - sent - outcomes.total()
    skipped = ", ".join(f"{count:,} {why}" for why, count in sorted(outcomes.items()) if count)
    print(f"{sent:,} pushes are sent again; skipped: {skipped or 'none'}.")


async def _sum_up(letters: DeadLetters, chosen: Chosen) -> str:
    totals = await letters.count(chosen)
    clearing = await letters.clearing()
    lines = [_tell(total) for total in totals]
    lines.append(f"{sum(total.pushes for total in totals):,} pushes were not delivered and are not tried again.")
    if clearing.stopped_at and clearing.until:
        lines.append(
            f"Clearing is stopped until {clearing.until:%H:%M:%S %Z}: {clearing.cleared:,} targets were cleared, more wait. "
            "If it is genuine: sepakat deliveries allow-clearing --for 1h"
        )
    if clearing.allowed_until:
        lines.append(f"Targets are cleared however many they are until {clearing.allowed_until:%Y-%m-%d %H:%M:%S %Z}.")
    return "\n".join(lines)


def _tell(total: Total) -> str:
    ages = f"the oldest {_age(total.oldest_s)} ago, the newest {_age(total.newest_s)} ago"
    return f"{total.pushes:>9,}  {total.code or '-'}  {total.entry_class or '-'}  {ages}"


def _age(seconds: float) -> str:
    minutes = int(seconds // 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes < 2880 else f"{minutes // 1440} d"


def _span(text: str) -> timedelta:
    read = re.fullmatch(r"([0-9]{1,4})([mhd])", text)
    span = timedelta(**{UNITS[read[2]]: int(read[1])}) if read else None
    if span is None or span > timedelta(days=1):
        raise argparse.ArgumentTypeError("30m, 1h, or 1d at most")
    return span
