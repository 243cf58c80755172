"""`sepakat reconcile FILE`: the core's whole book beside ours."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.environment import day

if TYPE_CHECKING:
    from app.feed.reconcile import Report


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The words of the group."""
    book = commands.add_parser(
        "reconcile", help="lay the core's balances (CSV, Parquet or NDJSON, also .gz) beside ours, as the feed's role"
    )
    book.add_argument("file", type=Path, metavar="FILE")
    book.add_argument("--as-of", type=day, required=True, metavar="DAY", help="the end of this day")
    book.add_argument(
        "--whole",
        action="store_true",
        help="the file is the whole book: a card that it does not have holds nothing there",
    )
    book.add_argument("--most-cases", type=int, default=1000, metavar="N", help="stop once N new cases are open (1000)")
    book.add_argument("--others", type=Path, metavar="FILE", help="write whatever does not agree here (CSV)")
    book.set_defaults(run=lambda chosen: asyncio.run(_reconcile(chosen)))


async def _reconcile(chosen: argparse.Namespace) -> int:
    """0 when both books agree or their differences are explained, 1 when something is left to look at."""
    from app.feed.reconcile import BusyError, Reconciliation
    from app.feed.reconcile_file import BookRefusedError
    from app.platform.database import connect
    from app.platform.jobs import Jobs
    from app.settings import read

    settings = read()
    pool = await connect(settings.database_url, size=6, application="sepakat reconcile")
    jobs = Jobs(settings.redis_url, settings.secret)
    run = Reconciliation(pool, settings, chosen.as_of, most_cases=chosen.most_cases)
    try:
        report = await run.run(chosen.file, missing_is_zero=chosen.whole, others=chosen.others)
    except BusyError:
        print("sepakat: another reconciliation is running in this database; wait until it ends", file=sys.stderr)
        return 1
    except BookRefusedError as error:
        print(f"sepakat: {chosen.file}: {error}. Nothing was compared.", file=sys.stderr)
        return 1
    finally:
        await jobs.ring(run.doorbell)
        await jobs.close()
        await pool.close()
    _print(report, whole=chosen.whole)
    return 0 if report.agrees else 1


def _print(report: Report, *, whole: bool) -> None:
    for outcome, found in report.outcomes.items():
        print(f"{found.cards:>12,}  {outcome:<20} theirs Rp{found.theirs:,}  ours Rp{found.ours:,}")
    if report.missing:
        said = "compared as empty" if whole else "not compared: say --whole if the file is the whole book"
        print(f"{report.missing:,} cards with savings are not in the file; {said}.")
    print(f"{report.opened:,} cases were opened.")
    if report.stopped:
        print("That are too many, so the rest was not compared. Look at the file; then go on with --most-cases.")
