"""How far a command has come: on the terminal of whoever watches, and never among what it prints."""

from __future__ import annotations

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)


def count(unit: str) -> Progress:
    """A number that grows, of what nobody knows the end."""
    return _show(TextColumn("{task.completed:,.0f} " + unit))


def bar() -> Progress:
    """How much of a whole, and how long the rest will take."""
    return _show(BarColumn(), TaskProgressColumn(show_speed=True), MofNCompleteColumn(), TimeRemainingColumn())


def _show(*columns: ProgressColumn) -> Progress:
    console = Console(stderr=True)
    return Progress(TextColumn("{task.description}"), *columns, console=console, disable=not console.is_terminal)
