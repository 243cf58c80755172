"""What `make run` prints once everything is up: where it is, who lives there, and what to try."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.local.children import ROOT
from app.local.processes import PEOPLE
from app.local.run import Running


def announce(running: Running, took_s: float, console: Console) -> None:
    """Prints addresses, demo people and the way on."""
    console.print(f"\n[bold green]Sepakat is up[/] after {took_s:.1f} s. Ctrl-C stops it; its state is kept.\n")
    console.print(_addresses(running))
    console.print()
    for line in _people():
        console.print(line, no_wrap=True, overflow="ellipsis")
    console.print(f"\n  All invented; their stories in full: {PEOPLE.relative_to(ROOT) / 'stories.csv'}")
    console.print("  A walk to paste: README, “The walk”. To watch it played: [bold]make story[/]\n")


def _addresses(running: Running) -> Table:
    table = Table.grid(padding=(0, 2))
    for what, where in (
        ("API, with docs", f"{running.api}/docs"),
        ("the agency's feed", f"{running.feed}/feed/v1/events"),
        ("the agency's staff", f"{running.staff}/docs"),
        ("what reached phones", f"{running.simulator}/messages"),
        ("logs", f"{running.folder / 'log'}"),
    ):
        table.add_row(f"  {what}", f"[cyan]{where}[/]")
    return table


def _people() -> Iterator[Text]:
    stories = {row["nik"]: row["story"] for row in _rows("stories.csv")}
    card_of = {row["nik"]: row["kpj"] for row in reversed(_rows("cards.csv"))}
    yield Text(f"  {'who':<16} {'NIK':<16} {'a card':<11} story", style="dim")
    for person in _rows("participants.csv"):
        nik = person["nik"]
        yield Text(f"  {person['name']:<16} {nik} {card_of.get(nik, ''):<11} {stories.get(nik, '')}")


def _rows(file: str) -> list[dict[str, str]]:
    with (PEOPLE / file).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))
