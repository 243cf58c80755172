"""`sepakat feed gaps|skip`: numbers that never came in a stream of the feed."""

from __future__ import annotations

import argparse
import asyncio
import sys
from datetime import timedelta

from app.cli.environment import database_url


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The words of the group."""
    feed = commands.add_parser("feed", help="numbers that never came, and what is held because of them")
    acts = feed.add_subparsers(dest="act", required=True, metavar="gaps|skip")
    gaps = acts.add_parser("gaps", help="streams that wait for a number, as the operator's role")
    gaps.set_defaults(run=lambda _: asyncio.run(_list_gaps()))
    skip = acts.add_parser("skip", help="go past what is missing for more than a day, with the settings of the feed")
    skip.add_argument("stream", metavar="STREAM", help="as `gaps` prints it")
    skip.add_argument("last", metavar="LAST", type=int, help="the last number that is missing, as `gaps` prints it")
    skip.add_argument("--staff", required=True, metavar="NAME", help="who decided it")
    skip.add_argument("--reason", required=True, metavar="TEXT")
    skip.set_defaults(run=lambda chosen: asyncio.run(_skip(chosen)))


async def _list_gaps() -> int:
    from app.feed.gaps import count_held, find_gaps
    from app.platform.database import connect

    pool = await connect(database_url(), size=1, application="sepakat feed")
    try:
        gaps, counted = await find_gaps(pool, timedelta(0), 1000), await count_held(pool)
    finally:
        await pool.close()
    for gap in gaps:
        numbers = f"{gap.first}" if gap.first == gap.last else f"{gap.first} to {gap.last}"
        print(
            f"{gap.stream} waits for {numbers} since {gap.since:%Y-%m-%d %H:%M:%S %Z}; {gap.held:,} held, next {gap.event_id}"
        )
    print(f"{counted.held:,} events are held, {counted.alarming:,} streams for more than a day.", file=sys.stderr)
    return 1 if counted.alarming else 0


async def _skip(chosen: argparse.Namespace) -> int:
    from msgspec import ValidationError, convert

    from app.feed.gaps import StreamSkip, skip_gap
    from app.feed.settle import Desk
    from app.platform.database import connect
    from app.platform.jobs import Doorbell, Jobs
    from app.platform.problems import Problem
    from app.settings import read

    settings = read()
    pool = await connect(settings.database_url, size=2, application="sepakat feed")
    jobs, desk = Jobs(settings.redis_url, settings.secret), Desk(pool, settings, Doorbell())
    try:
        skip = convert({name: getattr(chosen, name) for name in ("stream", "last", "staff", "reason")}, StreamSkip)
        skipped = await skip_gap(desk, skip)
        await jobs.ring(desk.doorbell)
    except (Problem, ValidationError) as error:
        print(f"sepakat: {error.english if isinstance(error, Problem) else error}", file=sys.stderr)
        return 1
    finally:
        await jobs.close()
        await pool.close()
    print(f"Skipped {skipped.first} to {skipped.last}. What waited behind:")
    for result in skipped.results:
        print(f"  {result.id}: {result.outcome} {result.code or ''}".rstrip())
    return 0
