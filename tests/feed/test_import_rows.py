"""What one line of an import file may be, and what several may not be together. No database."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pyarrow
import pyarrow.csv
import pyarrow.parquet
import pytest
from msgspec.structs import astuple

from app.feed.import_files import find_files, read_files
from app.feed.import_folder import read_folder
from app.feed.import_lines import columns_of
from app.feed.import_money import entries_of
from app.feed.import_people import Folder, Holding, Person
from app.feed.import_rows import FILES
from app.platform.table_csv import CsvSource

TODAY = date(2026, 11, 23)
DEMO = Path(__file__).parents[2] / "app" / "local" / "people"
DWI, SARI = "3275015704910000", "3174014209890000"
CARD_A, CARD_B, SARIS = "99000000011", "00900000012", "99000000021"

GOOD: dict[str, list[str]] = {
    "employers": ["E001,PT Sinar Garmen Majalaya"],
    "participants": [
        f"{DWI},Dwi Lestari,1991-04-17,0812-0000-0001,2019-05-06,dwi@example.id,id,Asia/Jakarta",
        f"{SARI},Sari Wulandari,1989-09-02,,,,,",
    ],
    "cards": [
        f"{CARD_A},{DWI},E001,PU,JHT|JP,2013-03-04,2018-08-31,inactive",
        f"{CARD_B},{DWI},E001,PU,JKM|JHT,2019-02-01,,active",
        f"{SARIS},{SARI},,BPU,JHT,2019-02-01,,active",
    ],
    "opening_balances": [f"{CARD_A},2025-01-01,1000000"],
    "contributions": [f"C1,{CARD_A},E001,2025-01,300000,2025-02-15"],
    "growth": [f"G1,{CARD_A},2025,50000"],
    "claims": [f"K1,{CARD_A},ten_percent,100000,paid,2026-01-05,2026-01-20"],
    "merges": [f"{CARD_B},{CARD_A},2026-04-11,0,1250000"],
    "deaths": [f"{SARI},2026-09-17"],
}


def sources(rows: Mapping[str, list[str]]) -> dict[str, CsvSource]:
    return {
        file: CsvSource(f"{row}\n".encode() for row in (",".join(columns_of(file)), *rows_of))
        for file, rows_of in rows.items()
    }


def balance_of(holding: Holding) -> int:
    return sum(entry.amount for entry in entries_of(holding))


def read(**changed: list[str]) -> Folder:
    """The good folder with some files' rows replaced: `cards=[…]` stands for cards."""
    return read_folder(sources(GOOD | changed), TODAY)


def refusals(folder: Folder) -> list[tuple[str, int, str]]:
    return [(refusal.file, refusal.line, refusal.field) for refusal in folder.refusals]


def niks(folder: Folder) -> list[str]:
    return [person.participant.nik for person in folder.people]


def test_a_good_folder_is_read_whole() -> None:
    folder = read()
    assert folder.refusals == []
    assert niks(folder) == [DWI, SARI]
    dwi, sari = folder.people
    assert [holding.card.kpj for holding in dwi.holdings] == [CARD_A, CARD_B]
    assert balance_of(dwi.holdings[0]) == 1_000_000 + 300_000 + 50_000 - 100_000
    assert dwi.participant.phone == "+6281200000001"
    assert dwi.holdings[1].card.programmes == ("JHT", "JKM")
    assert (sari.participant.phone, sari.participant.locale, sari.participant.time_zone) == (None, "id", "Asia/Jakarta")
    assert sari.death is not None
    assert folder.left_out == folder.unowned == folder.unlike_nik == 0


BAD_FIELDS = [
    ("employers", "employer_id", "E 1"),
    ("participants", "nik", "327501570491000"),
    ("participants", "nik", "327501570491000²"),
    ("participants", "name", ""),
    ("participants", "name", "x" * 101),
    ("participants", "name", "Dwi\u202eLestari"),
    ("participants", "name", "Dwi\u200bLestari"),
    ("participants", "name", "Dwi\x00Lestari"),
    ("participants", "name", "Dwi\tLestari"),
    ("participants", "name", "Dwi\x85Lestari"),
    ("participants", "birth_date", "17-04-1991"),
    ("participants", "birth_date", "1991-02-29"),
    ("participants", "birth_date", "1891-04-17"),
    ("participants", "birth_date", "2027-01-01"),
    ("participants", "phone", "0812"),
    ("participants", "phone", "021 abc 999 999"),
    ("participants", "phone_since", ""),
    ("participants", "phone_since", "2026-11-24"),
    ("participants", "email", "dwi@example"),
    ("participants", "email", "dwi lestari@example.id"),
    ("participants", "locale", "jv"),
    ("participants", "time_zone", "Asia/Tokyo"),
    ("cards", "kpj", "99000000"),
    ("cards", "kpj", "9900000000000011"),
    ("cards", "kpj", "99-00000011"),
    ("cards", "nik", "3275015704910001"),
    ("cards", "employer_id", ""),
    ("cards", "employer_id", "E002"),
    ("cards", "segment", "pu"),
    ("cards", "programmes", ""),
    ("cards", "programmes", "JHT|JHT"),
    ("cards", "programmes", "JHT;JP"),
    ("cards", "opened_on", "2026-12-01"),
    ("cards", "closed_on", "2013-03-03"),
    ("cards", "status", "merged"),
    ("opening_balances", "amount", "-1"),
    ("opening_balances", "amount", "1.000.000"),
    ("opening_balances", "amount", "1e6"),
    ("opening_balances", "amount", "1000000000001"),
    ("opening_balances", "effective_on", "2026-11-24"),
    ("contributions", "event_id", "C 1"),
    ("contributions", "kpj", "99000000099"),
    ("contributions", "employer_id", "E002"),
    ("contributions", "month", "2025-13"),
    ("contributions", "amount", "0"),
    ("contributions", "amount", "300000.50"),
    ("contributions", "amount", "٣٠٠"),
    ("contributions", "paid_on", "2024-12-31"),
    ("growth", "year", "2024"),
    ("growth", "year", "2026"),
    ("growth", "amount", "Rp1"),
    ("claims", "kind", "half"),
    ("claims", "state", "refused"),
    ("claims", "paid_on", ""),
    ("claims", "paid_on", "2026-01-04"),
    ("claims", "amount", "5000000"),
    ("merges", "into", CARD_B),
    ("merges", "into", SARIS),
    ("merges", "into", "99000000099"),
    ("merges", "merged_on", "2026-11-24"),
    ("merges", "balance_into", "-5"),
    ("deaths", "nik", "3275015704910001"),
    ("deaths", "on", "1989-09-01"),
]


@pytest.mark.parametrize(("name", "field", "value"), BAD_FIELDS)
def test_a_bad_field_is_refused_by_name(name: str, field: str, value: str) -> None:
    file = name
    cells = GOOD[file][0].split(",")
    cells[columns_of(file).index(field)] = value
    folder = read(**{name: [",".join(cells), *GOOD[file][1:]]})
    named = {(refusal.file, refusal.field) for refusal in folder.refusals}
    assert (file, field) in named, folder.refusals
    assert all(value not in refusal.reason for refusal in folder.refusals if len(value) > 8)


def test_a_refused_row_leaves_its_participant_out_and_nobody_else() -> None:
    folder = read(growth=[f"G1,{CARD_A},2025,many"])
    assert refusals(folder) == [("growth", 2, "amount")]
    assert niks(folder) == [SARI]
    assert folder.left_out == 1


def test_a_refused_participant_takes_the_other_rows_along_without_more_refusals() -> None:
    bad = GOOD["participants"][0].replace("1991-04-17", "1991-4-17")
    folder = read(participants=[bad, GOOD["participants"][1]])
    assert refusals(folder) == [("participants", 2, "birth_date")]
    assert niks(folder) == [SARI]
    assert folder.left_out == 1


def test_a_merge_of_a_card_that_is_left_out_leaves_its_participant_out() -> None:
    folder = read(cards=[GOOD["cards"][0].replace(DWI, "3275015704910001"), *GOOD["cards"][1:]])
    assert refusals(folder) == [("cards", 2, "nik")]
    assert niks(folder) == [SARI]


def test_every_bad_field_of_a_row_is_named_at_once() -> None:
    folder = read(participants=[f"{DWI},,17/04/1991,12,,,,Mars", GOOD["participants"][1]])
    assert {field for _, _, field in refusals(folder)} == {"name", "birth_date", "phone", "time_zone"}


@pytest.mark.parametrize(
    ("name", "again", "field"),
    [
        ("participants", f"{DWI},Dwi L.,1991-04-17,,,,,", "nik"),
        ("cards", f"{CARD_A},{DWI},E001,PU,JHT,2013-03-04,,active", "kpj"),
        ("opening_balances", f"{CARD_A},2025-01-02,5", "kpj"),
        ("contributions", f"C1,{CARD_A},E001,2025-02,300000,2025-03-15", "event_id"),
        ("growth", f"G1,{CARD_A},2025,1", "event_id"),
        ("claims", f"K1,{CARD_A},full,1,withdrawn,2026-01-05,", "claim_id"),
        ("merges", f"{CARD_B},{CARD_A},2026-04-12,0,1", "absorbed"),
        ("deaths", f"{SARI},2026-09-18", "nik"),
    ],
)
def test_a_second_row_of_the_same_is_refused_with_the_first_ones_line(name: str, again: str, field: str) -> None:
    rows = GOOD[name]
    folder = read(**{name: [*rows, again]})
    (refusal,) = folder.refusals
    assert (refusal.line, refusal.field) == (len(rows) + 2, field)
    assert refusal.reason == "repeats line 2" if name != "deaths" else "repeats line 2" in refusal.reason
    assert len(folder.people) == 1


def test_growth_of_one_card_and_year_stands_once() -> None:
    folder = read(growth=[f"G1,{CARD_A},2025,1", f"G2,{CARD_A},2025,1"])
    assert refusals(folder) == [("growth", 3, "year")]
    assert niks(folder) == [SARI]


def test_an_event_id_is_one_event_over_all_files() -> None:
    folder = read(growth=[f"C1,{CARD_A},2025,50000"])
    assert [refusal.reason for refusal in folder.refusals] == ["repeats line 2 of contributions"]


def test_a_card_number_under_two_participants_leaves_both_out() -> None:
    folder = read(cards=[*GOOD["cards"], f"{CARD_A},{SARI},E001,PU,JHT,2013-03-04,,active"])
    assert refusals(folder) == [("cards", 5, "kpj")]
    assert niks(folder) == []


def test_a_card_without_jht_holds_no_money() -> None:
    cards = [GOOD["cards"][0].replace("JHT|JP", "JKK|JKM"), *GOOD["cards"][1:]]
    folder = read(cards=cards, claims=[])
    assert {field for _, _, field in refusals(folder)} == {"kpj"}
    assert {file for file, _, _ in refusals(folder)} == {"opening_balances", "contributions", "growth"}


def test_a_claim_paid_before_the_opening_balance_is_not_taken_off_again() -> None:
    folder = read(claims=[f"K1,{CARD_A},ten_percent,100000,paid,2020-01-05,2020-01-20"])
    assert folder.refusals == []
    assert balance_of(folder.people[0].holdings[0]) == 1_350_000


def test_a_second_open_claim_and_a_merge_into_an_absorbed_card_are_refused() -> None:
    claims = [f"K{n},{CARD_A},full,1,open,2026-01-05," for n in (1, 2)]
    third = f"99000000013,{DWI},E001,PU,JHT,2019-02-01,,active"
    merges = [f"{CARD_B},{CARD_A},2026-04-11,0,1", f"99000000013,{CARD_B},2026-04-12,0,1"]
    folder = read(claims=claims, cards=[*GOOD["cards"], third], merges=merges)
    assert refusals(folder) == [("claims", 3, "state"), ("merges", 3, "into")]


def test_a_birth_date_unlike_the_nik_is_counted_not_refused() -> None:
    corrected = GOOD["participants"][0].replace("1991-04-17", "1991-04-18")
    folder = read(participants=[corrected, GOOD["participants"][1]])
    assert folder.refusals == []
    assert folder.unlike_nik == 1


def test_the_documentation_names_every_file_and_column() -> None:
    text = (Path(__file__).parents[2] / "docs" / "import.md").read_text(encoding="utf-8")
    for file in FILES:
        section = text.split(f"### {file}", 1)[1].split("###", 1)[0]
        documented = [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")]
        assert documented == list(columns_of(file)), file


def test_the_demo_people_are_valid_and_dwi_has_what_her_story_says() -> None:
    folder = read_files(find_files(DEMO), TODAY)
    assert folder.refusals == []
    balances = {holding.card.kpj: balance_of(holding) for person in folder.people for holding in person.holdings}
    assert (balances["99000000011"], balances["99000000012"]) == (14_265_493, 9_910_352)
    assert (balances["99000000021"], balances["99000000022"]) == (9_000_000, 9_000_000)
    assert len({person.participant.nik for person in folder.people}) == 19
    assert all(person.participant.nik.endswith("0000") for person in folder.people)


def test_the_same_folder_in_parquet_is_read_the_same(tmp_path: Path) -> None:
    for file, path in find_files(DEMO).items():
        columns = pyarrow.csv.read_csv(path, convert_options=pyarrow.csv.ConvertOptions(column_types=TYPES))
        pyarrow.parquet.write_table(columns, tmp_path / f"{file}.parquet")
    typed = pyarrow.parquet.read_schema(tmp_path / "contributions.parquet")
    assert (typed.field("amount").type, typed.field("paid_on").type) == (pyarrow.int64(), pyarrow.date32())
    folder = read_files(find_files(tmp_path), TODAY)
    assert folder.refusals == []
    in_csv = read_files(find_files(DEMO), TODAY)
    assert [holdings_of(person) for person in folder.people] == [holdings_of(person) for person in in_csv.people]


TYPES = {name: pyarrow.string() for name in ("nik", "kpj", "phone", "absorbed", "into", "year", "month", "event_id")}


def holdings_of(person: Person) -> list[object]:
    """Who it is, and each card with its entries, without the lines on which they stand."""
    return [
        person.participant.nik,
        person.participant.phone,
        *(
            (holding.card.kpj, *(entry[:3] for entry in map(astuple, entries_of(holding))))
            for holding in person.holdings
        ),
    ]
