"""`sepakat simulate`: a small agency, played against the feed of a running instance."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The words of the group."""
    play = commands.add_parser(
        "simulate",
        help="play a small agency for a while against the feed, beside `make run`",
        description="Plays an agency's core system: people, employers, contributions, job changes, claims, growth, merges that"
        " are proposed and, once in a while, one that is done in silence. Stopped and started again it goes on.",
    )
    play.add_argument("--participants", type=_positive, default=100, metavar="N", help="people in all (100)")
    play.add_argument(
        "--days", type=_positive, default=365, metavar="N", help="how long; the last day is yesterday (365)"
    )
    play.add_argument(
        "--pace", type=float, default=0.0, metavar="X", help="days in a second; 0: as fast as it goes (0)"
    )
    play.add_argument(
        "--phones", type=int, metavar="N", help="people who enrol a phone and answer (one in 100, at most 20)"
    )
    play.add_argument("--seed", type=int, default=1, metavar="N", help="another seed is another agency (1)")
    play.add_argument("--feed", metavar="URL", help="the feed; SEPAKAT_FEED_URL, or that of `make run`")
    play.add_argument("--api", metavar="URL", help="the API, for the phones; SEPAKAT_API_URL, or that of `make run`")
    play.add_argument(
        "--state", type=Path, metavar="FILE", help="what is kept between two starts (.local/simulate-SEED)"
    )
    play.set_defaults(run=_simulate)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def _simulate(chosen: argparse.Namespace) -> int:
    from app.local.agency.command import simulate

    try:
        return asyncio.run(simulate(chosen, os.environ))
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here", file=sys.stderr)
        return 1
