"""The rows of an import file as structs; what cannot be read becomes a refusal. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from app.feed import import_fields as fields
from app.feed.import_rows import FILES, OpeningRow, Refusal, Row
from app.platform.tables import Column, RefusedRow, Source, Table, TableRefused

KEY_COLUMNS = ("nik", "kpj", "absorbed", "into")

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


class RefusedLine(msgspec.Struct, frozen=True):
    """A line that is no row. `keys` are the card and identity numbers in it: whose row it would have been."""

    refusals: tuple[Refusal, ...]
    keys: tuple[str, ...]


def columns_of(file: str) -> tuple[str, ...]:
    """The columns of a file, in the order of the documentation."""
    return FILES[file].__struct_fields__[1:]


def read_rows(file: str, source: Source) -> Iterator[Row | RefusedLine]:
    """Every row of a file, or its refusal, in the file's order.

    Raises TableRefused, with the name of the file, if the columns are not its own or it cannot be read on.
    """
    struct = FILES[file]
    readers = _READERS | ({"amount": fields.read_balance} if struct is OpeningRow else {})
    required = {field.name for field in msgspec.structs.fields(struct) if field.required}
    columns = [Column(name, readers[name], name in required) for name in columns_of(file)]
    try:
        for row in Table(source, columns):
            yield _refuse(file, row) if isinstance(row, RefusedRow) else struct(line=row.number, **row.values)
    except TableRefused as error:
        raise TableRefused(f"{file}: {error}") from error


def _refuse(file: str, row: RefusedRow) -> RefusedLine:
    keys = tuple(row.values[key] for key in KEY_COLUMNS if key in row.values)
    refusals = tuple(Refusal(file, row.number, refusal.field, refusal.reason) for refusal in row.refusals)
    return RefusedLine(refusals, keys or _keys_anywhere(row.line))


def _keys_anywhere(line: bytes) -> tuple[str, ...]:
    """Whatever looks like a card or identity number in a line whose columns cannot be told apart."""
    found = []
    for cell in line.decode("ascii", "replace").replace('"', "").split(","):
        for read in (fields.read_nik, fields.read_kpj):
            try:
                found.append(read(cell.strip()))
            except fields.FieldError:
                continue
    return tuple(found)
