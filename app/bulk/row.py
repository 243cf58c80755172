"""The rows of a file of money: NDJSON or CSV with the same names, one row a line. Pure."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec

from app.feed.apply_money import PAID_AHEAD_AT_MOST
from app.feed.event import FIRST_YEAR, Amount, Balance, Identifier, Kpj, Month, Year
from app.platform.clock import jakarta_day
from app.platform.problems import BodyMalformed
from app.platform.strict_json import decode_item
from app.platform.table_csv import BYTE_ORDER_MARK, MAX_LINE_BYTES

Kind = Literal["growth", "contributions"]
Form = Literal["ndjson", "csv"]
KEPT_OF_A_LINE = 1_000

REASONS = {
    "row_malformed": "The line is no row of this kind: correct it.",
    "date_in_future": "A day lies after tomorrow, a month more than a year ahead, or a year has not begun: send it later.",
    "event_known": "An event with this id came before, by itself or in another row: a new row takes a new id.",
    "card_unknown": "No card has this number: send card.opened first, then the row under another run.",
    "card_without_jht": "Only JHT savings are kept here, and this card has none: do not send money for it.",
    "already_posted": "The ledger has an entry by this event id already: there is nothing to do.",
    "growth_credited_already": "The growth of this year is credited on this number already: compare what both sides know of it.",
    "balance_too_large": "The balance would exceed 9,007,199,254,740,991 rupiah: check the amount.",
    "invariant_violated": "The database refused what no rule above foresaw (see detail): tell us.",
}
"""Why a row is refused, each with what its sender can do."""


class GrowthLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A year's growth of a card, in whole rupiah; counts from 31 December."""

    event_id: Identifier
    kpj: Kpj
    year: Year
    amount: Balance


class ContributionLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The JHT share of one month's contribution, in whole rupiah; counts from the day it was paid."""

    event_id: Identifier
    kpj: Kpj
    employer_id: Identifier | None = None
    month: Month
    amount: Amount
    paid_on: date


class BulkRow(msgspec.Struct, frozen=True, gc=False):
    """A row that can be read; `line` counts from 1. Amounts are whole rupiah."""

    line: int
    event_id: str
    kpj: str
    amount: int
    effective_on: date
    year: int | None = None
    month: date | None = None
    employer_id: str | None = None


class RefusedRow(msgspec.Struct, frozen=True):
    """A line that is not taken. `content` is the row as JSON, or the line as it came; `amount` 0 where it cannot be read."""

    line: int
    code: str
    detail: str | None
    amount: int
    effective_on: date | None
    content: str


SHAPES: dict[Kind, type[GrowthLine | ContributionLine]] = {"growth": GrowthLine, "contributions": ContributionLine}


def columns_of(kind: Kind) -> tuple[str, ...]:
    """The names of a row of this kind, in the order of the documentation."""
    return SHAPES[kind].__struct_fields__


class HeaderError(ValueError):
    """The first line of a CSV file does not name the columns of its kind."""


class RowReader:
    """Lines of one file into rows, or why not. `now` is the instant on the one clock: what lies ahead of it is refused.

    Raises HeaderError at the first line of a CSV file with other columns.
    """

    def __init__(self, kind: Kind, form: Form, now: datetime) -> None:
        self._kind: Kind = kind
        self._shape = SHAPES[kind]
        self._now = now
        self._columns: tuple[str, ...] | None = None
        self._decode: Callable[[bytes], Any] = _decode_json if form == "ndjson" else self._decode_csv
        self._lax = form == "csv"

    def read(self, number: int, line: bytes) -> BulkRow | RefusedRow | None:
        """The row of a line; None for a blank line and for the header."""
        if number == 1:
            line = line.removeprefix(BYTE_ORDER_MARK)
            if self._lax:
                self._read_header(line)
                return None
        if not line.strip():
            return None
        found: Any = None
        if len(line) > MAX_LINE_BYTES:
            return _refuse(number, line, found, "row_malformed", f"it has more than {MAX_LINE_BYTES} bytes")
        try:
            found = self._decode(line)
            data = msgspec.convert(found, self._shape, strict=not self._lax)
        except BodyMalformed as error:
            return _refuse(number, line, found, "row_malformed", str(error.members["reason"]))
        except ValueError as error:  # msgspec's is one too
            return _refuse(number, line, found, "row_malformed", str(error))
        row, ahead = _as_row(number, data, self._now)
        if ahead is not None:
            content = msgspec.json.encode(data).decode()
            return RefusedRow(number, "date_in_future", ahead, row.amount, row.effective_on, content)
        return row

    def _read_header(self, line: bytes) -> None:
        names = tuple(_cells(line))
        if sorted(names) != sorted(columns_of(self._kind)):
            raise HeaderError(f"the first line names the columns {','.join(columns_of(self._kind))}, in any order")
        self._columns = names

    def _decode_csv(self, line: bytes) -> dict[str, Any]:
        cells = _cells(line)
        if self._columns is None or len(cells) != len(self._columns):
            raise ValueError(f"it has {len(cells)} fields, not {len(self._columns or ())}")
        return {name: cell for name, cell in zip(self._columns, cells, strict=True) if cell}


def _decode_json(line: bytes) -> Any:
    return decode_item(line.strip())


def _cells(line: bytes) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([line.decode("utf-8").rstrip("\r\n")], strict=True))]
    except (csv.Error, StopIteration):
        raise ValueError("a quotation mark is not closed or not doubled") from None


def _as_row(line: int, data: GrowthLine | ContributionLine, now: datetime) -> tuple[BulkRow, str | None]:
    """The row, and the name of a day in it that has not come."""
    if isinstance(data, GrowthLine):
        ahead = "year" if data.year > jakarta_day(now).year else None
        return BulkRow(line, data.event_id, data.kpj, data.amount, date(data.year, 12, 31), year=data.year), ahead
    month = date.fromisoformat(f"{data.month}-01")
    ahead = None
    if month > jakarta_day(now + PAID_AHEAD_AT_MOST):
        ahead = "month"
    elif data.paid_on > jakarta_day(now + timedelta(days=1)) or data.paid_on.year < FIRST_YEAR:
        ahead = "paid_on"
    return (
        BulkRow(line, data.event_id, data.kpj, data.amount, data.paid_on, month=month, employer_id=data.employer_id),
        ahead,
    )


def _refuse(number: int, line: bytes, found: Any, code: str, detail: str) -> RefusedRow:
    amount = found.get("amount") if isinstance(found, dict) else None
    try:
        whole = msgspec.convert(amount, Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)], strict=False)
    except msgspec.ValidationError:
        whole = 0
    text = line.strip()[:KEPT_OF_A_LINE].decode("utf-8", "backslashreplace").replace("\x00", "\\x00")
    return RefusedRow(number, code, detail[:200], whole, None, text)
