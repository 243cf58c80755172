"""`sepakat growth …`: the yearly rate, and what every card earned by it."""

from __future__ import annotations

import argparse
import asyncio
import csv
import sys
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from app.cli.environment import database_url, day

if TYPE_CHECKING:
    from app.ledger.compute_growth import Run, Total

OUTCOMES = {
    "staged": "Staged, to be credited",
    "nothing_earned": "Nothing earned, and nothing to credit",
    "credited_already": "Credited already, and left alone",
}


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The words of the group."""
    growth = commands.add_parser("growth", help="the yearly growth of savings: its rate, and who earned what")
    acts = growth.add_subparsers(dest="act", required=True, metavar="rates|set-rate|compute|show|differences")
    acts.add_parser("rates", help="every rate that was ever set").set_defaults(run=_list_rates)
    rate = acts.add_parser(
        "set-rate", help="with SEPAKAT_DATABASE_URL an administrator's; corrected by setting it again"
    )
    rate.add_argument("percent", type=_percent, metavar="PERCENT", help="of the balance in a year, such as 5.66")
    rate.add_argument("--from", dest="valid_from", type=day, required=True, metavar="DAY", help="its first day")
    rate.add_argument("--by", required=True, metavar="NAME", help="who sets it")
    rate.add_argument("--reason", required=True, metavar="TEXT", help="why, such as the decision it follows")
    rate.set_defaults(run=_set_rate)
    compute = acts.add_parser("compute", help="a dry run with totals; as the feed's role. Again: goes on where it was")
    compute.add_argument("year", type=_year, metavar="YEAR")
    compute.add_argument("--name", metavar="NAME", help="of the run; growth-YEAR where none is given")
    compute.set_defaults(run=lambda chosen: asyncio.run(_compute(chosen.name or f"growth-{chosen.year}", chosen.year)))
    show = acts.add_parser("show", help="what a run found, once more")
    show.add_argument("name", metavar="NAME")
    show.set_defaults(run=lambda chosen: asyncio.run(_show(chosen.name)))
    differences = acts.add_parser("differences", help="what is credited and would be computed otherwise now, as CSV")
    differences.add_argument("year", type=_year, metavar="YEAR")
    differences.set_defaults(run=lambda chosen: asyncio.run(_list_differences(chosen.year)))


def _percent(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise argparse.ArgumentTypeError("a percentage such as 5.66") from error


def _year(text: str) -> int:
    if len(text) == 4 and text.isdecimal() and int(text) >= 1900:
        return int(text)
    raise argparse.ArgumentTypeError("a year such as 2025")


def _list_rates(_: argparse.Namespace) -> int:
    from app.ledger.set_rate import list_rates, percent

    rates = asyncio.run(list_rates(database_url()))
    if not rates:
        print("No rate was ever set: `sepakat growth set-rate` sets one.", file=sys.stderr)
    for rate in rates:
        print(
            f"{rate.valid_from}  {percent(rate.millionths):>8f} %  no. {rate.number}, {rate.recorded_at:%Y-%m-%d} "
            f"by {rate.set_by}: {rate.reason}{'' if rate.stands else '  (corrected by a later one)'}"
        )
    return 0


def _set_rate(chosen: argparse.Namespace) -> int:
    from app.ledger.set_rate import set_rate

    try:
        number = asyncio.run(
            set_rate(database_url(), chosen.valid_from, chosen.percent, set_by=chosen.by, reason=chosen.reason)
        )
    except ValueError as error:
        print(f"sepakat: {error}", file=sys.stderr)
        return 1
    print(f"Savings earn {chosen.percent} % a year from {chosen.valid_from} on (rate no. {number}).")
    return 0


async def _compute(name: str, year: int) -> int:
    from app.cli.progress import count
    from app.ledger.compute_growth import GrowthRefused, compute_growth

    try:
        with count("cards") as progress:
            task = progress.add_task(f"computing {name}", total=None)
            await compute_growth(database_url(), name, year, said=lambda cards: progress.update(task, completed=cards))
    except GrowthRefused as error:
        print(f"sepakat: {error}", file=sys.stderr)
        return 1
    return await _show(name)


async def _show(name: str) -> int:
    from app.ledger.compute_growth import read_run

    found = await read_run(database_url(), name)
    if found is None:
        print(f"sepakat: no run of growth is named {name}", file=sys.stderr)
        return 1
    run, totals = found
    print("\n".join(_report(name, run, totals)))
    return 0


def _report(name: str, run: Run, totals: Sequence[Total]) -> list[str]:
    from app.ledger.growth import MILLION, days_of
    from app.ledger.set_rate import percent

    rates = ", ".join(
        f"{percent(rate.millionths):f} % from {rate.valid_from} (no. {rate.number})" for rate in run.rates
    )
    lines = [f"Growth of {run.year} as of {run.begun_at:%Y-%m-%d %H:%M %Z}, run {name} ({run.state}): {rates}"]
    by_outcome: dict[str, list[Total]] = defaultdict(list)
    for total in totals:
        by_outcome[total.outcome].append(total)
    for outcome, told in OUTCOMES.items():
        rows = by_outcome[outcome]
        lines += ["", f"{told}: {sum(row.cards for row in rows):,} cards, Rp{sum(row.amount for row in rows):,}"]
        lines += [
            f"  {row.segment:<6} {row.status:<22} {row.cards:>12,} cards  Rp{row.amount:>22,}"
            f"  Rp{row.smallest:,} … Rp{row.largest:,}"
            for row in rows
        ]
    staged = by_outcome["staged"]
    exact = sum(int(row.parts) for row in staged)
    units = MILLION * days_of(run.year)
    rounded = exact / units - sum(row.amount for row in staged)
    credited = by_outcome["credited_already"]
    differing = sum(row.differing for row in credited)
    by_how_much = sum(row.amount - row.credited for row in credited)
    sign = "-" if by_how_much < 0 else ""
    lines += [
        "",
        f"Left by rounding down: Rp{rounded:,.2f}.",
        f"Known in part of the year: {sum(row.known_in_part for row in staged):,} of the staged cards.",
        (
            f"Credited with another amount than computed now: {differing:,} cards, together {sign}Rp{abs(by_how_much):,} "
            f"(computed less credited): `sepakat growth differences {run.year}`."
        ),
    ]
    if run.posted or run.refused:
        lines.append(
            f"Credited: {run.posted:,} cards, Rp{run.posted_amount:,}; "
            f"refused: {run.refused:,} cards, Rp{run.refused_amount:,}."
        )
    elif run.state == "staged":
        lines.append(f"Nothing has been credited. `sepakat bulk post {name}` credits what is staged.")
    return lines


async def _list_differences(year: int) -> int:
    from app.ledger.compute_growth import GrowthRefused, list_differences

    writer = csv.writer(sys.stdout)
    writer.writerow(("kpj", "credited", "computed", "difference"))
    found = 0
    try:
        async for card in list_differences(database_url(), year):
            writer.writerow((card.kpj, card.credited, card.computed, card.difference))
            found += 1
    except GrowthRefused as error:
        print(f"sepakat: {error}", file=sys.stderr)
        return 1
    print(f"{found:,} cards", file=sys.stderr)
    return 0
