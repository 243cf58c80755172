"""What `make run` prints once everything is up: where it is, who lives there, and what to try."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.local.children import ROOT
from app.local.demo_people import PEOPLE, list_people
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
        ("open this first", running.api),
        ("API, with docs", f"{running.api}/docs"),
        ("the agency's feed", f"{running.feed}/feed/v1/events"),
        ("the agency's staff", f"{running.staff}/docs"),
        ("what reached phones", f"{running.simulator}/messages"),
        ("settings for a terminal", f". {running.folder / 'environment'}"),
        ("logs", f"{running.folder / 'log'}"),
    ):
        table.add_row(f"  {what}", f"[cyan]{where}[/]")
    return table


def _people() -> Iterator[Text]:
    yield Text(f"  {'who':<16} {'NIK':<16} {'a card':<11} story", style="dim")
    for person in list_people():
        yield Text(f"  {person.name:<16} {person.nik} {next(iter(person.kpjs), ''):<11} {person.story}")
