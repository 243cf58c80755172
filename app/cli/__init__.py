"""`sepakat …`: the commands, a file for each group. What a command needs is loaded when it is called; production never
loads app.local.

A group has `add(commands)`: its words, and by `set_defaults(run=…)` what runs them; 0 when it was done, 1 when it could
not be, 2 when it was asked wrongly.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from app.cli import (
    announcements,
    bulk,
    cases,
    deliveries,
    feed,
    growth,
    instance,
    keys,
    load,
    merges,
    people,
    proposals,
    reconcile,
    simulate,
    webhooks,
)
from app.settings import SettingsError

GROUPS = (
    *(instance, load, feed, reconcile, growth, bulk, simulate),
    *(merges, proposals, people, cases, deliveries, announcements, webhooks, keys),
)
PLAYED = {
    "phone": "a demo person's phone",
    "core": "the agency's core system",
    "staff": "the agency's staff",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; 0 when it did what was asked, 1 when it could not, 2 when it was asked wrongly."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words and words[0] in PLAYED:
        from app.local.walk import run

        return run(words[0], words[1:], os.environ)
    try:
        if words[:1] == ["verify"]:
            return keys.verify(words[1:])
        chosen = _parser().parse_args(words or ["--help"])
        done: int = chosen.run(chosen)
    except SettingsError as error:
        print(f"sepakat: {error}", file=sys.stderr)
        return 2
    except _failures() as error:
        print(f"sepakat: {_say(error)}", file=sys.stderr)
        return 1
    return done


def _say(error: Exception) -> str:
    """An error of a file begins with its name."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _failures() -> tuple[type[Exception], ...]:
    """What the system or the database refuses a command; asyncpg is loaded once something went wrong, if not before."""
    from asyncpg import PostgresError

    return OSError, PostgresError


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sepakat", description="See every card, agree to every merge.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for group in GROUPS:
        group.add(commands)
    for name, text in PLAYED.items():
        commands.add_parser(name, help=f"play {text} beside `make run`")  # app.local.walk has its words
    _say_again(commands)
    return parser


def _say_again(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The line that lists a command also begins its own `--help`."""
    for listed in commands._choices_actions:
        command = commands.choices[listed.dest]
        command.description = command.description or listed.help
        for action in command._actions:
            if isinstance(action, argparse._SubParsersAction):
                _say_again(action)
