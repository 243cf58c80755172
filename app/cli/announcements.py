"""`sepakat announcements …`: what the agency announced, how many it has reached, and the way to stop it."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING

from app.cli.environment import database_url

if TYPE_CHECKING:
    from app.announcements.search import Progress


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The words of the group."""
    group = commands.add_parser("announcements", help="how far announcements have come; as the operator's role")
    group.set_defaults(run=lambda words: asyncio.run(_act(words)))
    acts = group.add_subparsers(dest="act", required=True, metavar="list|show|stop")
    acts.add_parser("list", help="the newest fifty")
    shown = acts.add_parser("show", help="one of them, with its text in both languages")
    stopped = acts.add_parser("stop", help="reach nobody else with it; who was reached keeps it")
    for act in (shown, stopped):
        act.add_argument("event_id", metavar="EVENT", help="the id of the event that published it")
    stopped.add_argument("--reason", required=True, metavar="TEXT", help="kept with it")


async def _act(words: argparse.Namespace) -> int:
    from app.announcements.search import list_announcements, stop

    if words.act == "stop":
        stopped = await stop(database_url(), words.event_id, words.reason)
        found = [stopped] if stopped else []
    else:
        found = await list_announcements(database_url(), event_id=getattr(words, "event_id", None))
    if words.act != "list" and not found:
        print(f"sepakat: no announcement came by event {words.event_id}", file=sys.stderr)
        return 1
    if not found:
        print("No announcement was ever published.", file=sys.stderr)
    for one in found:
        print(_tell(one))
        if words.act != "list":
            print("\n".join(_tell_all(one)))
    return 0


def _tell(one: Progress) -> str:
    left = f", some {one.left_s / 60:,.0f} min left" if one.left_s is not None else ""
    done = f"{one.share:.1%} gone through" if one.state != "done" else f"in {one.took_s / 60:,.0f} min"
    return (
        f"{one.published_at:%Y-%m-%d %H:%M}  {one.severity:<8}  {one.state:<7}  {one.reached:>12,} people reached, {done}{left}"
        f"  {one.event_id}  {one.published.title.id}"
    )


def _tell_all(one: Progress) -> list[str]:
    audience = ", ".join(f"{name}: {value}" for name, value in one.audience.items())
    signed = " and ".join(filter(None, (one.staff, one.second_staff)))
    lines = [f"id {one.id}", f"to {audience}" + (f", signed by {signed}" if signed else "")]
    lines += [
        f"{what} {event}" for what, event in (("replaces", one.replaces), ("replaced by", one.replaced_by)) if event
    ]
    if one.state == "stopped":
        lines.append(f"stopped {one.ended_at:%Y-%m-%d %H:%M:%S %Z} by {one.stopped_by}: {one.reason}")
    for locale in ("id", "en"):
        lines += ["", getattr(one.published.title, locale), getattr(one.published.body, locale)]
    return lines
