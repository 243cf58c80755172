"""The year of people whose cards were merged, joined and transferred: computed, and credited where the money is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from decimal import Decimal
from typing import Any

import httpx
import pytest
import pytest_asyncio

from app.bulk import post as bulk
from app.bulk.run import resume
from app.cli import main
from app.ledger.growth import Entry, Rate
from app.ledger.set_rate import set_rate
from tests.cases.reports import NEW, OLD, reported_merge
from tests.conftest import Apps, Database
from tests.feed.conftest import Core, event
from tests.ledger.ledgers import rupiah_by_the_day
from tests.matches.conftest import Find, core, find, register_agus
from tests.merges.conftest import Settle, cool_off, settle_due, wait
from tests.merges.merged import merge_cards
from tests.people import NewCard, Phone, add_person

__all__ = ["cool_off", "core", "find", "settle_due", "wait"]
Wait = Callable[[int], Awaitable[None]]
RATE = [Rate(date(2000, 1, 1), 56_600)]
DAY_S = 86_400


@pytest.fixture(scope="module")
def database(own_database: Database) -> Database:
    return own_database


@pytest.fixture(scope="module")
def apps(own_apps: Apps) -> Apps:
    return own_apps


@pytest_asyncio.fixture(scope="module", autouse=True)
async def _rate(own_database: Database) -> None:
    await set_rate(own_database.url(), RATE[0].valid_from, Decimal("5.66"), set_by="Sri", reason="decision 1/2000")


class Operator:
    """`sepakat growth …` in this process, in the role of the feed."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    async def __call__(self, *words: str | int, expected: int = 0) -> str:
        self._capsys.readouterr()
        status = await asyncio.to_thread(main, ["growth", *map(str, words)])
        said = self._capsys.readouterr()
        assert status == expected, said
        return said.out + said.err


@pytest.fixture
def growth(database: Database, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Operator:
    monkeypatch.setenv("SEPAKAT_DATABASE_URL", database.url("sepakat_feed"))
    return Operator(capsys)


async def ask(database: Database, sql: str, *values: Any) -> list[dict[str, Any]]:
    connection = await database.connect()
    try:
        return [dict(row) for row in await connection.fetch(sql, *values)]
    finally:
        await connection.close()


async def ledger(database: Database, kpj: str) -> list[list[Entry]]:
    """The books of a number, as they were written."""
    rows = await ask(
        database,
        """SELECT l.card_id, l.kind, l.amount, l.effective_on
        FROM cards AS k JOIN ledger_entries AS l USING (participant_id, card_id)
        WHERE k.kpj = $1 ORDER BY l.card_id, l.number""",
        kpj,
    )
    books: dict[Any, list[Entry]] = {}
    for row in rows:
        books.setdefault(row["card_id"], []).append(Entry(row["kind"], row["amount"], row["effective_on"]))
    return list(books.values())


async def staged(database: Database, run: str) -> dict[str, int]:
    rows = await ask(
        database,
        """SELECT k.kpj, b.amount FROM bulk_rows AS b JOIN bulk_runs AS r USING (run_id)
        JOIN cards AS k USING (participant_id, card_id) WHERE r.name = $1""",
        run,
    )
    return {row["kpj"]: row["amount"] for row in rows}


async def post(database: Database, run: str) -> None:
    feed = await database.connect("sepakat_feed")
    await bulk.post(feed, (await resume(feed, run)).run_id)
    await feed.close()


async def year_of_now(database: Database) -> int:
    (row,) = await ask(database, "SELECT extract(year FROM jakarta_day(current_instant()))::int AS year")
    return int(row["year"])


async def end_year(database: Database) -> int:
    """Moves the clock into the next year, and returns the one that is over."""
    year = await year_of_now(database)
    await ask(
        database,
        "UPDATE local_clock SET ahead = ahead + (make_date($1 + 1, 1, 2)::timestamptz - current_instant())",
        year,
    )
    return year


async def test_a_merged_a_joined_and_a_transferred_card_earn_on_without_gap(
    apps: Apps,
    api: httpx.AsyncClient,
    database: Database,
    core: Core,
    find: Find,
    wait: Wait,
    cool_off: Settle,
    growth: Operator,
) -> None:
    dwi = await add_person(
        database, NewCard(balance=14_265_493), NewCard(balance=9_910_352, status="active", opened_on=date(2019, 2, 1))
    )
    old, new = dwi.kpjs
    nur = await reported_merge(api, database, core)
    agus = await register_agus(database, api, core, balance=20_000_000)
    await find()
    case_id = (await agus.claim())["case"]["case_id"]
    await wait(DAY_S)
    await agus.phone.sign_in()
    assert (await agus.decide(case_id))["outcome"] == "applied"
    await merge_cards(await Phone(api).enrol(dwi), [old], new, cool_off)

    year = await end_year(database)
    said = await growth("compute", year)
    found = await staged(database, f"growth-{year}")
    assert {old, new, nur.gone, nur.kept, agus.lost} <= set(found)
    for kpj, amount in found.items():
        assert amount == rupiah_by_the_day(await ledger(database, kpj), RATE, year), kpj
    # nobody lost a day by a merge: together it is what the two would have earned apart, but for the rupiah of rounding
    assert 0 <= int(Decimal("0.0566") * (14_265_493 + 9_910_352)) - (found[old] + found[new]) <= 1
    assert (found[nur.gone], found[nur.kept]) == (NEW * 566 // 10_000, OLD * 566 // 10_000)
    assert f"Staged, to be credited: {len(found):,} cards, Rp{sum(found.values()):,}" in said
    assert "Nothing has been credited" in said

    before = {kpj: sum(entry.amount for book in await ledger(database, kpj) for entry in book) for kpj in found}
    await post(database, f"growth-{year}")
    for kpj in set(found) - {old}:
        (own,) = [book for book in await ledger(database, kpj) if book[-1].kind == "growth"]
        brought = found[old] if kpj == new else 0
        assert sum(entry.amount for entry in own) == before[kpj] + found[kpj] + brought, kpj
    said = await growth("show", f"growth-{year}")
    assert f"Credited: {len(found):,} cards, Rp{sum(found.values()):,}; refused: 0" in said
    assert (await growth("differences", year)).split()[-2:] == ["0", "cards"]
    said = await growth("compute", year, "--name", "again")
    assert "Staged, to be credited: 0 cards" in said
    assert f"Credited already, and left alone: {len(found):,} cards, Rp{sum(found.values()):,}" in said
    assert "another amount than computed now: 0 cards" in said


async def test_what_is_credited_is_left_alone_and_a_difference_is_told(
    apps: Apps, database: Database, core: Core, growth: Operator
) -> None:
    """Late money after the credit changes no credit: growth of a year is credited once."""
    person = await add_person(database, NewCard(balance=10_000_000), NewCard(balance=10_000_000))
    early, exact = person.kpjs
    await core.apply(
        *(event("growth.credited", {"kpj": kpj, "year": 2024, "amount": 566_000}) for kpj in (early, exact)),
        event("contribution.posted", {"kpj": early, "month": "2023-12", "amount": 1_000_000, "paid_on": "2024-01-01"}),
    )
    said = await growth("compute", 2024, "--name", "late")
    assert not {early, exact} & set(await staged(database, "late"))
    assert "Credited already, and left alone: 2 cards, Rp1,188,600" in said
    assert "another amount than computed now: 1 cards, together Rp56,600" in said
    assert (await growth("differences", 2024)).split() == [
        "kpj,credited,computed,difference",
        f"{early},566000,622600,56600",
        *("1", "cards"),
    ]


async def test_the_commands_say_what_is_wrong(database: Database, growth: Operator) -> None:
    rate = ("set-rate", "5.66", "--from", "2027-01-01", "--by", "Sri", "--reason", "decision 2/2027")
    assert "permission denied" in await growth(*rate, expected=1)
    assert "no run of growth is named x" in await growth("show", "x", expected=1)
    assert "is not over in Jakarta" in await growth("compute", 2199, expected=1)
    assert "begins on that day or before, with `sepakat growth set-rate`" in await growth("compute", 1999, expected=1)
    assert "5.66 %  no. 1" in await growth("rates")
