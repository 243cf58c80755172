"""The core's whole book beside ours: what agrees is silent, and a core that merged and never said so is found by it."""

from __future__ import annotations

import asyncio
import csv
import gzip
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pyarrow
import pyarrow.parquet
import pytest
import pytest_asyncio

from app.cli import main
from app.feed.reconcile import BusyError, Reconciliation, Report
from app.feed.reconcile_file import BookRefusedError, read_book
from app.local.servers import Postgres, Valkey
from app.platform.database import Pool, connect
from tests.cases.reports import merged
from tests.conftest import Apps, Database, settings_for
from tests.feed.conftest import Core, contribution
from tests.people import NewCard, Person, Phone, add_person

OLD, NEW = 14_265_493, 9_910_352
Book = dict[str, int]


@pytest.fixture(scope="module")
def database(own_database: Database) -> Database:
    """The whole book is that of all participants."""
    return own_database


@pytest.fixture(scope="module")
def apps(own_apps: Apps) -> Apps:
    return own_apps


@pytest_asyncio.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    pool = await connect(database.url("sepakat_feed"), size=6, application="tests")
    yield pool
    await pool.close()


class Books:
    """Both books, and a run over them."""

    def __init__(self, core: Core, pool: Pool, servers: tuple[Postgres, Valkey], folder: Path) -> None:
        self.core, self._pool, self._folder = core, pool, folder
        self._settings = settings_for(core.database, servers[1], "sepakat_feed")

    async def ours(self) -> Book:
        rows = await self.core.ask("SELECT kpj, balance FROM cards WHERE balance IS NOT NULL")
        return {row["kpj"]: row["balance"] for row in rows}

    async def today(self) -> date:
        (row,) = await self.core.ask("SELECT jakarta_day(current_instant()) AS day")
        day: date = row["day"]
        return day

    async def compare(self, book: Book, *, days: int = 0, most_cases: int = 100, **how: Any) -> Report:
        file = self._folder / "book.csv"
        file.write_text("kpj,balance\n" + "".join(f"{kpj},{balance}\n" for kpj, balance in book.items()))
        day = await self.today() + timedelta(days=days)
        return await Reconciliation(self._pool, self._settings, day, most_cases=most_cases).run(file, **how)


@pytest.fixture
def books(core: Core, pool: Pool, servers: tuple[Postgres, Valkey], tmp_path: Path) -> Books:
    return Books(core, pool, servers, tmp_path)


async def two_cards(database: Database) -> Person:
    return await add_person(
        database,
        NewCard(balance=OLD, opened_on=date(2013, 3, 1)),
        NewCard(balance=NEW, status="active", opened_on=date(2019, 2, 1)),
    )


def counted(report: Report) -> dict[str, int]:
    return {outcome: found.cards for outcome, found in report.outcomes.items()}


async def test_two_books_that_agree_tell_nobody_and_the_run_is_kept(database: Database, books: Books) -> None:
    person = await two_cards(database)
    before = await books.core.history(person.nik)
    book = await books.ours()
    report = await books.compare(book, missing_is_zero=True)
    assert report.agrees
    assert counted(report) == {"agrees": len(book)}
    found = report.outcomes["agrees"]
    assert found.theirs == found.ours == sum(book.values())
    assert await books.core.history(person.nik) == before
    kept = await books.core.ask("SELECT as_of, theirs, outcome FROM balance_comparisons ORDER BY theirs")
    assert {"as_of": await books.today(), "theirs": OLD, "outcome": "agrees"} in kept
    (run, *_) = await books.core.ask(
        "SELECT report ->> 'opened' AS opened, length(file_sha256) AS hash FROM reconciliations"
    )
    assert run == {"opened": "0", "hash": 32}


async def test_a_core_that_merges_and_never_says_so_is_found(
    api: httpx.AsyncClient, database: Database, books: Books, tmp_path: Path
) -> None:
    person = await two_cards(database)
    phone = await Phone(api).enrol(person)
    old, new = person.kpjs
    book = await books.ours()
    # merged into the old, dead card, as in the story: its balance rises, and the newest card is gone from their book
    book[old] += book.pop(new)
    entries = len(await books.core.history(person.nik))

    report = await books.compare(book)
    assert (report.missing, report.opened, report.agrees) == (1, 1, False)
    others = tmp_path / "others.csv"
    report = await books.compare(book, missing_is_zero=True, others=others)
    assert (report.missing, report.opened, counted(report)["differs"]) == (1, 1, 2)
    differs = report.outcomes["differs"]
    assert differs.theirs == differs.ours == OLD + NEW  # not a rupiah is lost between the books
    assert others.stat().st_mode & 0o777 == 0o600, "what people have is for whoever asked only"
    with others.open() as file:
        assert list(csv.reader(file))[1:] == [
            [old, str(OLD + NEW), str(OLD), "differs"],
            [new, "0", str(NEW), "differs"],
        ]

    told = (await books.core.history(person.nik))[entries:]
    assert [entry["kind"] for entry in told] == ["balance_differs", "balance_differs"]
    assert (told[1]["data"]["suspected_absorbed"], told[1]["data"]["suspected_into"]) == (new, old)
    inbox = (await phone.get("/v1/inbox")).json()["entries"]
    assert inbox[0]["reach"] == "ladder"
    cases = (await phone.get("/v1/cases")).json()["cases"]
    assert {case["figures"]["suspected_merge"]["absorbed"] for case in cases} == {new}
    option = (await phone.post("/v1/merges/options", {"absorb": [old], "into": new})).json()
    assert [reason["code"] for reason in option["reasons"]] == ["balance_disputed"]
    shown = (await phone.get("/v1/cards")).json()["cards"]
    assert sorted(card["balance"] for card in shown) == [NEW, OLD]

    # the same book again tells nobody again
    report = await books.compare(book, missing_is_zero=True)
    assert (report.opened, len(await books.core.history(person.nik))) == (0, entries + 2)

    # asked, the core admits it: now it is a merge without consent, and explains the figures; the cases end by themselves
    await books.core.apply(merged(new, old, balances={new: NEW, old: OLD}))
    report = await books.compare(book, missing_is_zero=True)
    assert (report.agrees, counted(report)["explained"]) == (True, 2)
    assert {case["state"] for case in (await phone.get("/v1/cases")).json()["cases"]} == {"decided"}
    (merge,) = (await phone.get("/v1/merges")).json()["merges"]
    assert merge["state"] == "reported"
    assert (await phone.post(f"/v1/merges/{merge['id']}/dispute", {})).status_code == 200


async def test_what_cannot_be_compared_is_told_line_by_line(database: Database, books: Books) -> None:
    bare = await add_person(database, NewCard(programmes=("JKK",)))
    person = await two_cards(database)
    old, new = person.kpjs
    book = await books.ours() | {"99000000000": 5, bare.kpjs[0]: 1, new: NEW + 1}
    report = await books.compare(book)
    assert {"unknown_here": 1, "without_savings": 1, "differs": 1}.items() <= counted(report).items()
    # a figure of an earlier day than the one compared last is not laid beside it
    for figure in (OLD, OLD + 5):
        report = await books.compare({old: figure}, days=-1)
        assert counted(report)["outdated"] == 1
    await books.compare(await books.ours())


async def test_so_many_differences_are_a_broken_file(database: Database, books: Books) -> None:
    people = [await two_cards(database) for _ in range(4)]
    wrong = {kpj: 1 for person in people for kpj in person.kpjs}
    report = await books.compare(await books.ours() | wrong, most_cases=1)
    assert report.stopped
    assert 1 <= report.opened <= 4  # those that were under way at once
    assert counted(report)["not_compared"] == len(wrong) - report.opened
    assert not report.agrees
    report = await books.compare(await books.ours())
    assert report.agrees
    (row,) = await books.core.ask("SELECT count(*) AS open FROM cases WHERE state = 'open' AND kind = 'balance'")
    assert row["open"] == 0


async def test_what_came_after_the_day_is_no_difference(database: Database, books: Books) -> None:
    person = await two_cards(database)
    yesterday = {kpj: card.balance or 0 for kpj, card in person.cards.items()}
    today = (await books.today()).isoformat()
    paid = contribution(person.kpjs[1], 1000)
    paid["data"]["paid_on"] = today
    await books.core.apply(paid)
    assert counted(await books.compare(yesterday, days=-1)) == {"agrees": 2, "missing": len(await books.ours()) - 2}
    assert (await books.compare(await books.ours())).agrees


async def test_half_a_book_is_compared_with_nothing(books: Books, tmp_path: Path) -> None:
    card = '{"kpj": "99000000011", "balance": 5}\n'
    for name, content, told in (
        ("a.csv", b"kpj,saldo\n1,2\n", "header"),
        ("empty.csv", b"", "header"),
        ("b.csv", b"kpj,balance\n99000000011,5\n99000000012\n", "line 3"),
        ("c.csv", b"kpj,balance\n99000000011,-5\n", "line 2"),
        ("d.csv", b"kpj,balance\n99000000011,5.5\n", "line 2"),
        ("e.ndjson", (card + card[:20]).encode(), "line 2"),
        ("f.ndjson.gz", gzip.compress((card * 9).encode())[:-9], "after line"),
        ("g.csv", b"kpj,balance\n" + b"9" * 20_000, "longer than"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BookRefusedError, match=told):
            list(read_book(tmp_path / name))
    packed = tmp_path / "whole.ndjson.gz"
    packed.write_bytes(gzip.compress((card + card.replace("5", "6")).encode()))
    typed = tmp_path / "whole.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"balance": [5, 6], "kpj": ["99000000011"] * 2}), typed)
    for whole in (packed, typed):
        assert list(read_book(whole)) == [(1, "99000000011", 5, "active"), (2, "99000000011", 6, "active")]


async def test_the_command_prints_what_it_found(
    books: Books,
    servers: tuple[Postgres, Valkey],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    settings = settings_for(books.core.database, servers[1], "sepakat_feed")
    for name in ("database_url", "redis_url", "secret", "data_keys", "env"):
        monkeypatch.setenv(f"SEPAKAT_{name.upper()}", str(getattr(settings, name)))
    whole = tmp_path / "whole.csv"
    book = await books.ours()
    day = (await books.today()).isoformat()
    for theirs, done, said in ((book, 0, "agrees"), (book | {"99000000000": 7}, 1, "unknown_here")):
        whole.write_text("kpj,balance,status\n" + "".join(f"{kpj},{told},\n" for kpj, told in theirs.items()))
        assert await asyncio.to_thread(main, ["reconcile", str(whole), "--as-of", day, "--whole"]) == done
        assert said in capsys.readouterr().out
    # cut at the end of a line, a file can be read to its end: everybody else would have lost their savings
    cut = dict(list(book.items())[: len(book) // 2 - 1])
    whole.write_text("kpj,balance\n" + "".join(f"{kpj},{told}\n" for kpj, told in cut.items()))
    cases = await books.core.ask("SELECT count(*) FROM cases")
    assert await asyncio.to_thread(main, ["reconcile", str(whole), "--as-of", day, "--whole"]) == 1
    assert "no whole book" in capsys.readouterr().err
    assert await books.core.ask("SELECT count(*) FROM cases") == cases
    whole.write_text("kpj\n")
    assert await asyncio.to_thread(main, ["reconcile", str(whole), "--as-of", day]) == 1
    assert "Nothing was compared" in capsys.readouterr().err


async def test_one_run_at_a_time(books: Books, pool: Pool) -> None:
    async with pool.acquire() as other:
        await other.execute("SELECT pg_advisory_lock(hashtext('sepakat reconcile'))")
        try:
            with pytest.raises(BusyError):
                await books.compare({})
        finally:
            await other.execute("SELECT pg_advisory_unlock(hashtext('sepakat reconcile'))")
    report = await books.compare({"99000000099": 1, "9900000009X": 2}, days=0)
    assert counted(report)["unknown_here"] == 2
    with pytest.raises(BookRefusedError, match="lies ahead"):
        await books.compare({}, days=2)
