"""A file is staged line by line, refused line by line, and reported to the rupiah."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from app.bulk.load import LoadError, load_run, read_batches
from app.bulk.read_file import file_source
from app.bulk.report import report, write_refusals
from app.bulk.row import HeaderError
from app.bulk.run import RunError, pause, resume, show_run
from app.cli import main
from app.platform.tables import TableRefused
from tests.bulk.conftest import Bulk, as_lines, contribution, growth, new_name
from tests.conftest import Database
from tests.people import NewCard, add_person


@pytest.fixture
async def kpj(database: Database) -> str:
    return (await add_person(database, NewCard(balance=1))).kpjs[0]


async def test_a_line_that_is_no_row_is_refused_alone(kpj: str, bulk: Bulk) -> None:
    good = growth(kpj, 5)
    lines = [
        b"\xef\xbb\xbf" + as_lines([good])[0],
        b"\n",
        b'{"event_id": "a"\n',
        as_lines([growth(kpj, -1, year=2020)])[0],
        as_lines([growth(kpj, 10**12 + 1, year=2020)])[0],
        as_lines([growth(kpj, 5, year=2098)])[0],
        as_lines([growth(kpj, 5, year=2020, note="x")])[0],
        b'{"event_id": "b", "kpj": "99000000011", "year": 2020, "amount": 3, "amount": 4}\n',
        b'{"event_id": "\xff"}\n',
        b"x" * 20_000 + b"\n",
        b'{"event_id": "nul\\u0000", "kpj": "99000000011", "year": 2020, "amount": 3}\n',
    ]
    run = await bulk.load(lines)
    malformed = dict.fromkeys((3, 4, 5, 7, 8, 9, 10, 11), "row_malformed")
    assert await bulk.refusals(run) == malformed | {6: "date_in_future"}
    assert (run.rows, run.refused, run.state) == (10, 9, "staged")
    assert (await bulk.post(run)).posted_amount == "5"


async def test_csv_has_the_same_names_in_any_order(kpj: str, bulk: Bulk) -> None:
    rows = [contribution(kpj, 7), contribution(kpj, 8, employer_id=None)]
    names = ["paid_on", "amount", "kpj", "month", "event_id", "employer_id"]
    lines = [(",".join(names) + "\r\n").encode()]
    lines += [(",".join(str(row[name] or "") for name in names) + "\r\n").encode() for row in rows]
    lines += [b"1,2\n", b'"2026\n']
    run = await bulk.load(lines, "contributions", form="csv")
    assert await bulk.refusals(run) == {4: "row_malformed", 5: "row_malformed"}
    assert (await bulk.post(run)).posted_amount == "15"
    with pytest.raises(HeaderError, match="event_id,kpj,year,amount"):
        await bulk.load(lines, "growth", form="csv")


async def test_parquet_goes_in_and_its_refused_rows_come_out_in_parquet(kpj: str, bulk: Bulk, tmp_path: Path) -> None:
    day = date(2026, 3, 2)
    rows = [
        contribution(kpj, 7, paid_on=day),
        contribution(kpj, 0, paid_on=day),
        contribution("99999999999", 8, paid_on=day, employer_id=None),
    ]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "paid.parquet")
    now, name = await bulk.feed.fetchval("SELECT current_instant()"), new_name()
    for _ in range(2):
        await load_run(bulk.feed, name, "contributions", file_source(tmp_path / "paid.parquet", "contributions", now))
    run = await show_run(bulk.feed, name)
    assert await bulk.refusals(run) == {3: "row_malformed", 4: "card_unknown"}
    assert (await bulk.post(run)).posted_amount == "7"
    assert await write_refusals(bulk.feed, name, tmp_path / "refused.parquet") == 2
    malformed, unknown = pyarrow.parquet.read_table(tmp_path / "refused.parquet").to_pylist()
    assert (malformed["line"], malformed["amount"], str(rows[1]["event_id"]) in malformed["content"]) == (3, None, True)
    assert {column: unknown[column] for column in rows[2]} == rows[2] | {"paid_on": "2026-03-02"}
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "paid.parquet").read_bytes()[:-9])
    cut = file_source(tmp_path / "cut.parquet", "contributions", now)
    with pytest.raises(TableRefused, match="write it again"):
        await load_run(bulk.feed, new_name(), "contributions", cut)


async def test_a_name_is_one_file(kpj: str, bulk: Bulk) -> None:
    lines = as_lines([growth(kpj, 3), growth(kpj, 3, year=2024)])
    run = await bulk.load(lines)
    assert await bulk.load(lines, name=run.name) == run
    for other, kind in (
        (lines[:1], "growth"),
        (lines[::-1], "growth"),
        (lines * 2, "growth"),
        (lines, "contributions"),
    ):
        with pytest.raises(LoadError, match="another name"):
            await bulk.load(other, kind, name=run.name)  # type: ignore[arg-type]
    assert (await show_run(bulk.feed, run.name)).rows == 2


async def test_a_load_that_was_cut_off_goes_on_behind_what_is_in(kpj: str, bulk: Bulk) -> None:
    rows = [growth(kpj, 1, year=year) for year in range(2000, 2010)]
    lines, name = as_lines(rows), new_name()
    now = await bulk.feed.fetchval("SELECT current_instant()")

    async def cut_off(_: int) -> AsyncIterator[Any]:
        (batch,) = read_batches("growth", "ndjson", lines[:4], now)
        yield batch
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await load_run(bulk.feed, name, "growth", cut_off)
    assert (await show_run(bulk.feed, name)).state == "loading"
    with pytest.raises(RunError, match="load it whole"):
        await resume(bulk.feed, name)
    with pytest.raises(LoadError, match="another name"):
        await bulk.load(lines[1:], name=name)
    run = await bulk.load(lines, name=name)
    assert (run.rows, run.refused, run.state) == (10, 0, "staged")
    assert (await bulk.post(run)).posted == 10
    with pytest.raises(RunError, match="nothing is left"):
        await resume(bulk.feed, name)
    with pytest.raises(RunError, match="only a running one"):
        await pause(bulk.feed, name)


async def test_the_report_reconciles_to_the_rupiah_and_sees_what_does_not(kpj: str, bulk: Bulk, tmp_path: Path) -> None:
    rows = [growth(kpj, 5), growth(kpj, 6, year=2024), growth(kpj, 7, year=2024), growth("99999999999", 8)]
    run = await bulk.load([*as_lines(rows), b"nothing\n"])
    waiting = await report(bulk.feed, run.name)
    assert (waiting.total.waiting, waiting.total.waiting_amount, waiting.reconciles) == (2, 11, True)
    await bulk.post(run)
    found = await report(bulk.feed, run.name)
    assert found.reconciles
    assert found.refused_for == {"growth_credited_already": 1, "card_unknown": 1, "row_malformed": 1}
    sums = {day: (of.staged_amount, of.posted_amount, of.refused_amount) for day, of in found.days.items()}
    assert sums == {date(2025, 12, 31): (13, 5, 8), date(2024, 12, 31): (13, 6, 7), None: (0, 0, 0)}
    assert await write_refusals(bulk.feed, run.name, tmp_path / "refused.ndjson") == 3
    assert (tmp_path / "refused.ndjson").stat().st_mode & 0o777 == 0o600
    written = [json.loads(line) for line in (tmp_path / "refused.ndjson").read_text().splitlines()]
    assert [row["line"] for row in written] == [3, 4, 5]
    assert {name: written[0][name] for name in rows[2]} == rows[2]
    assert written[2]["content"] == "nothing"
    await write_refusals(bulk.feed, run.name, tmp_path / "refused.csv")
    with (tmp_path / "refused.csv").open() as file:
        assert [row["code"] for row in csv.DictReader(file)] == [row["code"] for row in written]

    await bulk.admin.execute("UPDATE bulk_runs SET posted_amount = 12, amount = 27 WHERE name = $1", run.name)
    assert not (await report(bulk.feed, run.name)).reconciles, "a counter says what no ledger says"


async def test_the_commands_load_post_and_report(
    kpj: str, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import asyncio

    monkeypatch.setenv("SEPAKAT_DATABASE_URL", database.url("sepakat_feed"))
    file, name = tmp_path / "growth.ndjson.gz", new_name()
    file.write_bytes(gzip.compress(b"".join(as_lines([growth(kpj, 4), growth("99999999999", 2)]))))

    async def sepakat(*words: str) -> tuple[int, str]:
        code = await asyncio.to_thread(main, ["bulk", *words])
        told = capsys.readouterr()
        return code, told.out + told.err

    code, told = await sepakat("load", str(file), "--name", name, "--kind", "growth")
    assert (code, "1 refused (Rp2)" in told) == (1, True), told
    code, told = await sepakat("resume", name, "--rows-per-s", "1000")
    assert (code, f"{name}: running" in told) == (0, True), told
    assert (await sepakat("pause", name))[0] == 0
    code, told = await sepakat("post", name)
    assert (code, "1 posted (Rp4)" in told) == (0, True), told
    code, told = await sepakat("report", name, "--refused", str(tmp_path / "refused.csv"))
    assert (code, "It reconciles" in told) == (0, True), told
    assert (await sepakat("status", name))[0] == 0
    assert (await sepakat("status", "nothing"))[0] == 1
    assert (await sepakat("load", str(tmp_path / "x.txt"), "--name", name, "--kind", "growth"))[0] == 1
