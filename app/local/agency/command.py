"""The command: finds the instance, goes on from the state file, shows how far it is, and says what it came to."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

import httpx
import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from app.local.agency.people import found
from app.local.agency.play import STEPS, Play
from app.local.agency.reactions import Crowd, wait_for_execution
from app.local.agency.send import Line, LineDown
from app.local.agency.summary import Judged, judge
from app.local.agency.world import World, read
from app.local.bootstrap import keep_secrets
from app.local.core import Core
from app.local.messages import Messages
from app.local.phone import ReadCode
from app.local.state import StartError, find_holder, state_folder
from app.platform.clock import JAKARTA

PHONES_AT_MOST = 20
"""By default: each takes a code by SMS, of which the API hands out thirty in a minute."""


async def simulate(chosen: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """0 when the books agree and every silent merge was found; 1 when not, 2 when it cannot begin."""
    console = Console(highlight=False)
    try:
        feed_url, secret, api_url, messages_url, folder = _find_instance(chosen, environment)
        file = chosen.state or folder / f"simulate-{chosen.seed}"
        world = _begin(chosen, file)
    except (StartError, ValueError) as error:
        console.print(str(error))
        return 2
    async with httpx.AsyncClient(base_url=feed_url) as feed, httpx.AsyncClient(base_url=api_url or feed_url) as api:
        line = Line(Core(feed, secret))
        crowd = None
        if api_url and messages_url:
            messages = Messages(httpx.AsyncClient(base_url=messages_url))
            crowd = Crowd(world, api, partial(_read_codes, messages), partial(wait_for_execution, api, line))
        with _progress(console) as progress:
            task = progress.add_task("", total=world.days, completed=world.steps // len(STEPS), told="")
            play = Play(world, file, line, crowd, pace=chosen.pace, show=partial(_show, progress, task))
            try:
                await play.run()
            except LineDown as down:
                progress.stop()
                console.print(f"stopped: {down}\nThe same command goes on from here.", markup=False)
                return 1
    judged = judge(world)
    tell(console, world, judged)
    return 0 if judged.holds else 1


def _find_instance(
    chosen: argparse.Namespace, environment: Mapping[str, str]
) -> tuple[str, str, str | None, str | None, Path]:
    """Feed, its secret, API, simulator of messages and the folder for the state. Raises StartError."""
    folder = state_folder(environment)
    feed_url, api_url = (
        chosen.feed or environment.get("SEPAKAT_FEED_URL"),
        chosen.api or environment.get("SEPAKAT_API_URL"),
    )
    if feed_url is None:
        holder = find_holder(folder)
        return holder.feed, keep_secrets(folder).feed_secret, holder.api, holder.simulator, folder
    secret = environment.get("SEPAKAT_FEED_SECRETS", "").split(",")[0]
    if not secret:
        raise StartError("SEPAKAT_FEED_SECRETS is not set: the secret that the feed at that address knows")
    return feed_url, secret, api_url, environment.get("SEPAKAT_MESSAGES_URL"), Path()


def _begin(chosen: argparse.Namespace, file: Path) -> World:
    """The world of the state file, or a new one. Raises ValueError when the file is of another run."""
    if file.exists():
        try:
            world = read(file)
        except msgspec.DecodeError as error:
            raise ValueError(f"{file} is no state of a simulation: name another with --state") from error
        if (len(world.people), world.days) != (chosen.participants, chosen.days):
            raise ValueError(
                f"{file} is a run of {len(world.people)} people and {world.days} days: go on with these, or remove it and"
                " choose another --seed"
            )
        return world
    yesterday: date = datetime.now(JAKARTA).date() - timedelta(days=1)
    phones = min(PHONES_AT_MOST, max(1, chosen.participants // 100)) if chosen.phones is None else chosen.phones
    first_day = yesterday - timedelta(days=chosen.days - 1)
    return found(chosen.seed, chosen.participants, chosen.days, first_day, min(phones, chosen.participants))


def _read_codes(messages: Messages, number: str) -> ReadCode:
    async def read_code(_: str) -> str:
        return await messages.read_code(number, seen=0)

    return read_code


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[told]}"), TimeRemainingColumn())
    return Progress(*columns, console=console, refresh_per_second=4)


def _show(progress: Progress, task: TaskID, world: World) -> None:
    rate = f"{world.sent / world.seconds:,.0f} a second" if world.seconds else ""
    day = world.day(min(world.steps // len(STEPS), world.days - 1))
    told = f"{world.sent:,} events, {rate}"
    progress.update(task, completed=world.steps / len(STEPS), description=f"{day}", told=told)


def tell(console: Console, world: World, judged: Judged) -> None:
    """Events by type and outcome, the rate, and what the books say."""
    table = Table("event", "outcome", "events", box=None)
    table.columns[2].justify = "right"
    for key, count in sorted(world.tally.items()):
        kind, _, outcome = key.partition(" ")
        table.add_row(kind, outcome, f"{count:,}")
    console.print(table)
    rate = world.sent / world.seconds if world.seconds else 0.0
    console.print(
        f"{world.sent:,} events of {len(world.people):,} people in {world.seconds:,.0f} s: {rate:,.0f} a second"
    )
    advices = ", ".join(f"{advice} {count}" for advice, count in sorted(world.advices.items())) or "none"
    console.print(f"registrations asked for first: {advices}")
    console.print(
        f"books: {judged.agree:,} cards agree, {judged.explained:,} are explained by a merge that one side has done"
    )
    found_of = f"{len(judged.found)} of {len(judged.found) + len(judged.missed)}"
    console.print(f"silent merges found: {found_of}")
    for what, merges in (("found", judged.found), ("MISSED", judged.missed)):
        for merge in merges:
            console.print(f"  {what}  {merge}")
    for line in judged.wrong:
        console.print(f"  WRONG  {line}", style="bold", markup=False)
    console.print("Nothing else differs." if judged.holds else "The books do NOT agree.")
