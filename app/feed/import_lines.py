"""The bytes of an import file into rows, line by line; what cannot be read becomes a refusal. Pure.

Every physical line is one row: no field may hold a line break, so a quote that is never closed spoils its own
line and not the rest of the file.
"""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import msgspec

from app.feed import import_fields as fields
from app.feed.import_rows import FILES, OpeningRow, Refusal, Row

MAX_LINE_BYTES = 10_000
KEY_COLUMNS = ("nik", "kpj", "absorbed", "into")
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
OTHER_ENCODINGS = (b"\xff\xfe", b"\xfe\xff")

_READERS: dict[str, Callable[[str], Any]] = {
    "nik": fields.read_nik,
    "kpj": fields.read_kpj,
    "absorbed": fields.read_kpj,
    "into": fields.read_kpj,
    "employer_id": fields.read_employer_id,
    "event_id": fields.read_identifier,
    "claim_id": fields.read_identifier,
    "name": fields.read_name,
    "phone": fields.read_phone,
    "email": fields.read_email,
    "locale": fields.read_locale,
    "time_zone": fields.read_time_zone,
    "segment": fields.read_segment,
    "programmes": fields.read_programmes,
    "status": fields.read_lifecycle,
    "kind": fields.read_claim_kind,
    "state": fields.read_claim_state,
    "month": fields.read_month,
    "year": fields.read_year,
    "amount": fields.read_amount,
    "balance_absorbed": fields.read_balance,
    "balance_into": fields.read_balance,
    **dict.fromkeys(
        ("birth_date", "phone_since", "opened_on", "closed_on", "effective_on", "paid_on", "merged_on", "on"),
        fields.read_day,
    ),
}


class FileRefusedError(ValueError):
    """The file cannot be read as a whole: `refusal` says why. Nothing of the folder is loaded then."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"{refusal.file}, line {refusal.line}: {refusal.reason}")
        self.refusal = refusal


class RefusedLine(msgspec.Struct, frozen=True):
    """A line that is no row. `keys` are the card and identity numbers in it: whose row it would have been."""

    refusals: tuple[Refusal, ...]
    keys: tuple[str, ...]


class _Column(msgspec.Struct, frozen=True):
    name: str
    read: Callable[[str], Any]
    required: bool


def columns_of(file: str) -> tuple[str, ...]:
    """The columns of a file, in the order of the documentation."""
    return FILES[file].__struct_fields__[1:]


def read_rows(file: str, lines: Iterable[bytes]) -> Iterator[Row | RefusedLine]:
    """Every row of a file, or its refusal, in the file's order; blank lines are skipped.

    `lines` are raw lines with their line ends. Raises FileRefusedError if the header is not the file's.
    """
    numbered = enumerate(lines, start=1)
    columns = _read_header(file, next(numbered, (1, b""))[1])
    refuse = partial(Refusal, file)
    for number, line in numbered:
        if not line.strip(b" \t\r\n"):
            continue
        try:
            cells = _split(line)
        except FieldContentError as error:
            yield RefusedLine((refuse(number, "", str(error)),), _keys_anywhere(line))
            continue
        if len(cells) != len(columns):
            reason = f"has {len(cells)} fields, needs {len(columns)}"
            yield RefusedLine((refuse(number, "", reason),), _keys_anywhere(line))
            continue
        yield _read_cells(file, number, columns, cells)


class FieldContentError(ValueError):
    """A line that CSV cannot take apart."""


def _split(line: bytes) -> list[str]:
    """The cells of one line without surrounding spaces. Undecodable bytes become lone surrogates."""
    if len(line) > MAX_LINE_BYTES:
        raise FieldContentError(f"is longer than {MAX_LINE_BYTES} bytes")
    text = line.decode("utf-8", "surrogateescape").rstrip("\r\n")
    if '"' not in text:
        return [cell.strip(" ") for cell in text.split(",")]
    try:
        return [cell.strip(" ") for cell in next(csv.reader([text], strict=True))]
    except csv.Error as error:
        raise FieldContentError("has a quotation mark that is not closed or not doubled") from error


def _read_header(file: str, line: bytes) -> list[_Column]:
    if line.startswith(OTHER_ENCODINGS):
        raise FileRefusedError(Refusal(file, 1, "", "is not UTF-8; save it as CSV UTF-8"))
    try:
        names = _split(line.removeprefix(BYTE_ORDER_MARK))
    except FieldContentError as error:
        raise FileRefusedError(Refusal(file, 1, "", f"the header {error}")) from error
    expected = columns_of(file)
    if sorted(names) != sorted(expected):
        reason = f"the header needs exactly the columns {','.join(expected)}, separated by commas"
        raise FileRefusedError(Refusal(file, 1, "", reason))
    struct = FILES[file]
    readers = _READERS | ({"amount": fields.read_balance} if struct is OpeningRow else {})
    required = {field.name for field in msgspec.structs.fields(struct) if field.required}
    return [_Column(name, readers[name], name in required) for name in names]


def _read_cells(file: str, number: int, columns: list[_Column], cells: list[str]) -> Row | RefusedLine:
    values: dict[str, Any] = {}
    refusals: list[Refusal] = []
    for column, cell in zip(columns, cells, strict=True):
        if not cell:
            if column.required:
                refusals.append(Refusal(file, number, column.name, "is empty"))
            continue
        try:
            _refuse_unreadable(cell)
            values[column.name] = column.read(cell)
        except fields.FieldError as error:
            refusals.append(Refusal(file, number, column.name, str(error)))
    if refusals:
        return RefusedLine(tuple(refusals), tuple(values[key] for key in KEY_COLUMNS if key in values))
    return FILES[file](line=number, **values)


def _refuse_unreadable(cell: str) -> None:
    if cell.isascii():
        if not cell.isprintable():
            raise fields.FieldError("has a control character")
    elif any(unicodedata.category(character) == "Cs" for character in cell):
        raise fields.FieldError("is not valid UTF-8; save the file as CSV UTF-8")


def _keys_anywhere(line: bytes) -> tuple[str, ...]:
    """Whatever looks like a card or identity number in a line whose columns cannot be told apart."""
    found = []
    for cell in line[:MAX_LINE_BYTES].decode("ascii", "replace").replace('"', "").split(","):
        for read in (fields.read_nik, fields.read_kpj):
            try:
                found.append(read(cell.strip()))
            except fields.FieldError:
                continue
    return tuple(found)
