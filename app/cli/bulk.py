"""`sepakat bulk load|post|pause|resume|status|report`: growth and contributions for millions of cards."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.environment import database_url

if TYPE_CHECKING:
    from rich.console import Console

    from app.bulk.report import Report
    from app.bulk.run import Run

EVERY_S = 1.0


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The words of the group."""
    bulk = commands.add_parser("bulk", help="money for many cards at once: load, post, pause, report")
    acts = bulk.add_subparsers(dest="act", required=True, metavar="act")
    load = acts.add_parser(
        "load", help="stage and check a file (NDJSON or CSV, also .gz, or Parquet); the same again changes nothing"
    )
    load.add_argument("file", type=Path, metavar="FILE")
    load.add_argument("--name", required=True, help="of the run; never used again")
    load.add_argument("--kind", required=True, choices=("growth", "contributions"))
    load.set_defaults(run=lambda chosen: _run(_load, chosen))
    for name, run, text in (
        ("post", _post, "post it here and now, with progress; killed, start it again"),
        ("resume", _resume, "let the workers post it"),
        ("pause", _pause, "post nothing more of it"),
        ("status", _status, "how far it is, how fast, how long it will take"),
        ("report", _report, "what was staged, posted and refused, to the rupiah"),
    ):
        act = acts.add_parser(name, help=text)
        act.add_argument("name", metavar="NAME", nargs="?" if name == "status" else None)
        if name in ("post", "resume"):
            act.add_argument("--rows-per-s", type=int, metavar="N", help="at most; left out: as fast as it goes")
        if name == "status":
            act.add_argument("--watch", action="store_true", help="until it has ended or is paused")
        if name == "report":
            act.add_argument(
                "--refused", type=Path, metavar="FILE", help="write refused rows here (.csv, .parquet, .ndjson)"
            )
        act.set_defaults(run=lambda chosen, run=run: _run(run, chosen))


def _run(act: Callable[[Any, Console, argparse.Namespace], Awaitable[int]], chosen: argparse.Namespace) -> int:
    import asyncpg
    from rich.console import Console

    from app.bulk.load import LoadError
    from app.bulk.read_file import FileFormError
    from app.bulk.row import HeaderError
    from app.bulk.run import RunError
    from app.platform.table_problems import TableRefused

    async def do() -> int:
        connection = await asyncpg.connect(url, server_settings={"application_name": "sepakat bulk", "timezone": "UTC"})
        try:
            return await act(connection, Console(), chosen)
        finally:
            await connection.close()

    url = database_url()
    if getattr(chosen, "rows_per_s", None) is not None and chosen.rows_per_s < 1:
        print("sepakat: --rows-per-s is 1 or more", file=sys.stderr)
        return 2
    try:
        return asyncio.run(do())
    except TableRefused as error:
        print(f"sepakat: the file {error}", file=sys.stderr)
        return 1
    except (LoadError, RunError, HeaderError, FileFormError) as error:
        print(f"sepakat: {error}", file=sys.stderr)
        return 1


async def _load(connection: Any, console: Console, chosen: argparse.Namespace) -> int:
    from app.bulk.load import SQL, load_run
    from app.bulk.read_file import file_source
    from app.bulk.run import show_run
    from app.cli.progress import count

    now = await connection.fetchval(SQL["now"])
    with count("lines") as progress:
        task = progress.add_task(f"loading {chosen.name}")
        await load_run(
            connection,
            chosen.name,
            chosen.kind,
            file_source(chosen.file, chosen.kind, now),
            lambda lines: progress.update(task, completed=lines),
        )
    run = await show_run(connection, chosen.name)
    _tell(console, run)
    if run.refused:
        console.print(f"Why rows were refused: `sepakat bulk report {run.name} --refused FILE`.", soft_wrap=True)
    return 1 if run.refused else 0


async def _post(connection: Any, console: Console, chosen: argparse.Namespace) -> int:
    from app.bulk.post import post
    from app.bulk.run import resume, show_run
    from app.cli.progress import bar

    run = await resume(connection, chosen.name, chosen.rows_per_s)
    with bar() as progress:
        task = progress.add_task(f"posting {run.name}", total=run.rows, completed=run.posted + run.refused)
        state = await post(connection, run.run_id, told=lambda settled: progress.update(task, advance=settled))
    _tell(console, await show_run(connection, run.name))
    return 0 if state == "done" else 1


async def _resume(connection: Any, console: Console, chosen: argparse.Namespace) -> int:
    from app.bulk.run import resume

    _tell(console, await resume(connection, chosen.name, chosen.rows_per_s))
    return 0


async def _pause(connection: Any, console: Console, chosen: argparse.Namespace) -> int:
    from app.bulk.run import pause

    _tell(console, await pause(connection, chosen.name))
    return 0


async def _status(connection: Any, console: Console, chosen: argparse.Namespace) -> int:
    from app.bulk.run import show_run, show_runs

    runs = await show_runs(connection) if chosen.name is None else [await show_run(connection, chosen.name)]
    if not runs:
        console.print("No run was ever loaded: `sepakat bulk load` begins one.")
    for run in runs:
        _tell(console, run)
    while chosen.watch and any(run.state == "running" for run in runs):
        await asyncio.sleep(EVERY_S)
        runs = [await show_run(connection, run.name) for run in runs if run.state == "running"]
        for run in runs:
            _tell(console, run)
    return 0


async def _report(connection: Any, console: Console, chosen: argparse.Namespace) -> int:
    from app.bulk.report import report, write_refusals

    found = await report(connection, chosen.name)
    _show(console, found)
    if chosen.refused is not None:
        written = await write_refusals(connection, chosen.name, chosen.refused)
        console.print(f"{written:,} refused rows are in {chosen.refused}")
    return 0 if found.reconciles else 1


def _tell(console: Console, run: Run) -> None:
    left = "" if run.seconds_left is None else f", {run.rate:,.0f} rows/s, {_span(run.seconds_left)} left"
    console.print(
        f"{run.name}: {run.state}, {run.percent:.1f} % of {run.rows:,} rows (Rp{int(run.amount):,})"
        f" settled: {run.posted:,} posted (Rp{int(run.posted_amount):,}),"
        f" {run.refused:,} refused (Rp{int(run.refused_amount):,}){left}",
        soft_wrap=True,
    )


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def _show(console: Console, found: Report) -> None:
    from rich.table import Table

    from app.bulk.row import REASONS

    table = Table("day", "", "rows", "rupiah", title=f"{found.name}: {found.kind}, {found.state}", title_justify="left")
    days = sorted(found.days.items(), key=lambda item: str(item[0] or ""))
    for label, sums in [*((str(day or "no day"), sums) for day, sums in days), ("all", found.total)]:
        for what in ("staged", "posted", "refused", "waiting"):
            rows, amount = getattr(sums, what), getattr(sums, f"{what}_amount")
            table.add_row(label if what == "staged" else "", what, f"{rows:,}", f"{amount:,}")
    console.print(table)
    for code, rows in sorted(found.refused_for.items()):
        console.print(f"{rows:,} refused: {code}. {REASONS[code]}", soft_wrap=True)
    console.print(
        "It reconciles: staged = posted + refused + waiting, in rows and rupiah, on every day, and the ledger agrees."
        if found.reconciles
        else "It does NOT reconcile: compare the rows above, and tell us before anything else is posted."
    )
