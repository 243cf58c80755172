"""The bytes of an import file: encodings, line ends, quotation marks, headers. No database."""

from __future__ import annotations

from datetime import date

import pytest

from app.feed.import_folder import read_folder
from app.feed.import_lines import columns_of
from app.feed.import_people import Folder
from app.platform.table_csv import CsvSource
from app.platform.tables import TableRefused

TODAY = date(2026, 11, 23)
DWI, SARI = "3275015704910000", "3174014209890000"


def niks(folder: Folder) -> list[str]:
    return [person.participant.nik for person in folder.people]


def with_participants(raw: bytes) -> Folder:
    return read_folder({"participants": CsvSource(raw.splitlines(keepends=True))}, TODAY)


def participants(*, mark: bytes = b"", end: bytes = b"\n", name: bytes = b"Dwi Lestari") -> bytes:
    header = ",".join(columns_of("participants")).encode()
    return mark + b"".join(
        line + end
        for line in (
            header,
            DWI.encode() + b"," + name + b",1991-04-17,,,,,",
            SARI.encode() + b",Sari Wulandari,1989-09-02,,,,,",
        )
    )


def test_a_byte_order_mark_crlf_blank_lines_and_quoted_commas_are_read() -> None:
    raw = participants(mark=b"\xef\xbb\xbf", end=b"\r\n", name=b'"Lestari, Dwi ""Wi"""') + b"\r\n \r\n"
    folder = with_participants(raw)
    assert folder.refusals == []
    assert folder.people[0].participant.name == 'Lestari, Dwi "Wi"'


def test_names_are_kept_in_one_unicode_form() -> None:
    folder = with_participants(participants(name="Andre\u0301".encode()))
    assert folder.people[0].participant.name == "Andr\u00e9"


@pytest.mark.parametrize(
    ("name", "field", "reason"),
    [
        (b"Dwi", "", "fields"),  # one field short, by the replacement below
        (b"Dwi\xff", "name", "UTF-8"),
        (b"Dwi\x00", "name", "control"),
        (b'"Dwi', "", "quotation"),
        (b'"Dwi"Lestari', "", "quotation"),
        (b"Dwi," * 3, "", "fields"),
        (b"x" * 10_001, "", "longer"),
    ],
)
def test_a_spoilt_line_is_refused_and_its_participant_found_all_the_same(name: bytes, field: str, reason: str) -> None:
    raw = participants(name=name)
    if name == b"Dwi":
        raw = raw.replace(b",Dwi,", b",")
    folder = with_participants(raw)
    (refusal,) = folder.refusals
    assert (refusal.file, refusal.line, refusal.field) == ("participants", 2, field)
    assert reason in refusal.reason
    assert niks(folder) == [SARI]
    assert folder.left_out == 1


@pytest.mark.parametrize(
    "header",
    [b"", b"nik,name\n", b"nik;name;birth_date;phone;phone_since;email;locale;time_zone\n", "nik".encode("utf-16")],
)
def test_a_file_with_another_header_is_refused_whole(header: bytes) -> None:
    with pytest.raises(TableRefused, match=r"columns|UTF-8"):
        with_participants(header)


def test_columns_may_stand_in_any_order() -> None:
    deaths = [b"on,nik\n", f"2026-09-17,{SARI}\n".encode()]
    folder = read_folder({"participants": CsvSource(participants().splitlines()), "deaths": CsvSource(deaths)}, TODAY)
    assert folder.refusals == []
    assert folder.people[1].death is not None
