"""`sepakat proposals load`: merges proposed to many participants, from a file."""

from __future__ import annotations

import argparse
import asyncio
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.feed.propose_file import Report

WAITS = {
    "proposals_too_many": "whose participants were proposed something today already",
    "proposals_day_full": "beyond what goes out on one day",
    "announcement_not_yet": "whose participants have not had the announcement for long enough",
    "busy": "that lost a race for their participants",
}


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The words of the group."""
    proposals = commands.add_parser("proposals", help="propose merges to many, as the role of the feed")
    acts = proposals.add_subparsers(dest="act", required=True, metavar="load")
    load = acts.add_parser("load", help="from CSV or Parquet; run it again for what waits; twice changes nothing")
    load.add_argument("file", type=Path, metavar="FILE")
    load.add_argument(
        "--refused", type=Path, metavar="FILE", help="write refused rows and their codes here, in the same form"
    )
    load.add_argument(
        "--announcement", metavar="EVENT", help="each waits until what this event published has reached its participant"
    )
    load.add_argument(
        "--announced-for", type=float, default=24, metavar="HOURS", help="and has been there for so long; 24"
    )
    load.set_defaults(run=_load)


def _load(chosen: argparse.Namespace) -> int:
    from app.cli.progress import bar
    from app.feed.propose_file import Announced, ProposalsRefused, propose_file
    from app.settings import read

    announced = Announced(chosen.announcement, timedelta(hours=chosen.announced_for)) if chosen.announcement else None
    try:
        with bar() as shown:
            task = shown.add_task("proposing", total=None)
            report = asyncio.run(
                propose_file(
                    read(),
                    chosen.file,
                    announced=announced,
                    refused=chosen.refused,
                    progress=lambda done, rows: shown.update(task, advance=done, total=rows),
                )
            )
    except ProposalsRefused as error:
        print(f"sepakat: {error}", file=sys.stderr)
        return 1
    _print(report)
    if report.refused and chosen.refused is None:
        print("Which rows were refused, and why: the same command with `--refused FILE`.", file=sys.stderr)
    return 1 if report.refused else 0


def _print(report: Report) -> None:
    print(f"{report.rows:>12,} rows")
    print(f"{report.proposed:>12,} proposed now")
    print(f"{report.proposed_before:>12,} proposed by an earlier run")
    print(
        f"{report.refused:>12,} refused"
        + "".join(f", {count:,} {code}" for code, count in report.refusals.most_common())
    )
    for code, count in report.waiting.most_common():
        print(f"{count:>12,} wait, {WAITS[code]}; load the file again later")
