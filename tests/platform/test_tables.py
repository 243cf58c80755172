"""Files of rows: CSV, packed CSV and Parquet read by the same rules, and refused rows out in the form that they came in."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from app.platform.refused_rows import RefusedWriter
from app.platform.tables import Column, FieldError, RefusedRow, Row, TableRefused, csv_lines, open_table


def whole(text: str) -> int:
    if not text.isdigit():
        raise FieldError("needs digits")
    return int(text)


def day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise FieldError("needs a day") from None


COLUMNS = (
    Column("kpj", str),
    Column("amount", whole),
    Column("on", day),
    Column("note", str, required=False),
)
GOOD = [("0099", 5, date(2026, 1, 2), "a, b"), ("0098", 7, date(2026, 1, 3), None), ("0097", 9, date(2026, 1, 4), "é")]
TEXT = 'kpj,amount,on,note\n0099,5,2026-01-02,"a, b"\n0098,7,2026-01-03,\n0097,9,2026-01-04,é\n'


def write_csv(path: Path, text: str) -> Path:
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def write_parquet(path: Path, **columns: Any) -> Path:
    pyarrow.parquet.write_table(pyarrow.table(columns), path, row_group_size=7_000)
    return path


def in_parquet(path: Path) -> Path:
    kpj, amount, on, note = zip(*GOOD, strict=True)
    return write_parquet(path, kpj=kpj, amount=amount, on=on, note=note)


@pytest.mark.parametrize(
    ("name", "write", "first"),
    [
        ("rows.csv", lambda path: write_csv(path, "\ufeff" + TEXT), 2),
        ("rows.csv", lambda path: write_csv(path, TEXT.replace("\n", "\r\n")), 2),
        ("rows.csv.gz", lambda path: write_csv(path, TEXT), 2),
        ("rows.parquet", in_parquet, 1),
    ],
)
def test_the_same_rows_come_out_of_every_form(
    tmp_path: Path, name: str, write: Callable[[Path], Path], first: int
) -> None:
    rows = list(open_table(write(tmp_path / name), COLUMNS))
    expected = [
        Row(
            first + place,
            {name: value for name, value in zip(("kpj", "amount", "on", "note"), row, strict=True) if value},
        )
        for place, row in enumerate(GOOD)
    ]
    assert rows == expected


@pytest.mark.parametrize(
    ("amount", "read"),
    [
        (pyarrow.array([5], pyarrow.int8()), 5),
        (pyarrow.array([Decimal(5)], pyarrow.decimal128(18, 0)), 5),
        (pyarrow.array(["5"], pyarrow.string_view()), 5),
        (pyarrow.array([" 5"]).dictionary_encode(), 5),
        (pyarrow.array([["5", "6"]]), "needs digits"),
        (pyarrow.array([-5]), "needs digits"),
        (pyarrow.array([None], pyarrow.null()), "is empty"),
    ],
)
def test_parquet_types_are_judged_as_the_text_that_they_would_be(tmp_path: Path, amount: Any, read: Any) -> None:
    (row,) = open_table(write_parquet(tmp_path / "rows.parquet", amount=amount), [Column("amount", whole)])
    if isinstance(row, Row):
        assert row.values == {"amount": read}
    else:
        assert row.refusals[0].reason == read


def test_whoever_reads_lines_of_csv_reads_parquet_too(tmp_path: Path) -> None:
    assert b"".join(csv_lines(in_parquet(tmp_path / "rows"))).decode() == TEXT
    assert b"".join(csv_lines(write_csv(tmp_path / "rows.csv.gz", TEXT))).decode() == TEXT


def in_floats(path: Path) -> Path:
    return write_parquet(path, kpj=["1"], amount=[5.0], on=["2026-01-02"], note=[None])


def cut(path: Path) -> Path:
    path.write_bytes(gzip.compress(TEXT.encode() * 9)[:-9])
    return path


def damaged(path: Path) -> Path:
    path.write_bytes(in_parquet(path).read_bytes()[:200])
    return path


@pytest.mark.parametrize(
    ("write", "says"),
    [
        (lambda path: write_csv(path, TEXT.replace("note", "notes")), "exactly the columns kpj,amount,on,note"),
        (lambda path: write_csv(path, ""), "exactly the columns"),
        (lambda path: write_csv(path, TEXT.replace(",", ";")), "exactly the columns"),
        (cut, "cut or damaged"),
        (damaged, "no Parquet file"),
        (in_floats, "amount is double"),
    ],
)
def test_a_file_that_is_none_is_refused_whole(tmp_path: Path, write: Callable[[Path], Path], says: str) -> None:
    with pytest.raises(TableRefused, match=says):
        list(open_table(write(tmp_path / "rows"), COLUMNS))


def test_a_line_without_an_end_costs_its_start_only(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "rows.csv.gz", TEXT + "9" * 3_000_000 + "\n0096,1,2026-01-05,\n")
    *_, long, last = open_table(path, COLUMNS)
    assert isinstance(long, RefusedRow)
    assert (long.number, len(long.line)) == (5, 10_000)
    assert isinstance(last, Row)
    assert last.number == 6


def refuse(source: Path, target: Path) -> list[RefusedRow]:
    refused = [row for row in open_table(source, COLUMNS) if isinstance(row, RefusedRow)]
    with RefusedWriter(source, target) as writer:
        for row in refused:
            for refusal in row.refusals:
                writer.write(refusal)
    assert target.stat().st_mode & 0o777 == 0o600, "whoever is in the file is for whoever asked only"
    return refused


@pytest.mark.parametrize("suffix", ["csv", "csv.gz"])
def test_refused_rows_of_csv_are_copied_with_their_reasons_and_can_be_read_again(tmp_path: Path, suffix: str) -> None:
    source = write_csv(
        tmp_path / f"rows.{suffix}", TEXT + 'A,x,,"y"\n0096,1\n0095,"1,2026-01-05,\n0094,1,2026-01-05,n\n'
    )
    target = tmp_path / f"refused.{suffix}"
    refuse(source, target)
    text = (gzip.decompress(target.read_bytes()) if suffix == "csv.gz" else target.read_bytes()).decode()
    rows = list(csv.DictReader(text.splitlines()))
    assert [(row["kpj"], row["refused_line"], row["refused_field"]) for row in rows] == [
        ("A", "5", "amount; on"),
        ("0096,1", "6", ""),
        ('0095,"1,2026-01-05,', "7", ""),
    ]
    assert rows[0]["refused_reason"] == "needs digits; is empty"
    assert rows[0]["note"] == "y"
    corrected = write_csv(tmp_path / f"again.{suffix}", text.replace("A,x,,y", "A,3,2026-01-05,y"))
    first, *others = open_table(corrected, COLUMNS)
    assert first == Row(2, {"kpj": "A", "amount": 3, "on": date(2026, 1, 5), "note": "y"})
    assert all(isinstance(row, RefusedRow) for row in others)


def test_refused_rows_of_parquet_keep_their_types(tmp_path: Path) -> None:
    amounts = [-1 if number % 3 == 0 else number for number in range(25_000)]
    days = [date(2026, 1, 2)] * 25_000
    names = [f"{number:010}" for number in range(25_000)]
    source = write_parquet(tmp_path / "rows.parquet", kpj=names, amount=amounts, on=days, note=[None] * 25_000)
    assert len(refuse(source, tmp_path / "refused.parquet")) == 8334
    table = pyarrow.parquet.read_table(tmp_path / "refused.parquet")
    assert table.schema.field("amount").type == pyarrow.int64()
    assert table.column("kpj").to_pylist() == names[::3]
    assert table.column("refused_line").to_pylist() == list(range(1, 25_001, 3))
    assert set(table.column("refused_reason").to_pylist()) == {"needs digits"}
    assert len(refuse(tmp_path / "refused.parquet", tmp_path / "again.parquet")) == 8334


def test_the_refused_rows_never_overwrite_their_source(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "rows.csv", TEXT)
    with pytest.raises(TableRefused, match="file of their own"):
        RefusedWriter(source, tmp_path / "." / "rows.csv")
    assert source.read_text() == TEXT
