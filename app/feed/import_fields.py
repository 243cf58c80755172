"""One cell of an import file into one checked value. Pure; every reader raises FieldError with what to do."""

from __future__ import annotations

import re
import sys
import unicodedata
from datetime import date
from functools import lru_cache
from typing import get_args

from app.feed.event import (
    FIRST_YEAR,
    MAX_AMOUNT,
    ClaimKind,
    Lifecycle,
    Locale,
    Programme,
    Segment,
    TimeZone,
)
from app.identity import contacts
from app.platform.tables import FieldError as FieldError

FIRST_DAY = date(FIRST_YEAR, 1, 1)

SEGMENTS: tuple[str, ...] = get_args(Segment)
PROGRAMMES: tuple[str, ...] = get_args(Programme)
LIFECYCLES: tuple[str, ...] = get_args(Lifecycle)
CLAIM_KINDS: tuple[str, ...] = get_args(ClaimKind)
CLAIM_STATES = ("open", "paid", "withdrawn")
LOCALES: tuple[str, ...] = get_args(Locale)
TIME_ZONES: tuple[str, ...] = get_args(TimeZone)

_NIK = re.compile(r"[0-9]{16}")
_KPJ = re.compile(r"[0-9A-Za-z]{10,15}")
_IDENTIFIER = re.compile(r"[0-9A-Za-z][0-9A-Za-z._:-]{0,63}")
_AMOUNT = re.compile(r"0|[1-9][0-9]{0,12}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
_YEAR = re.compile(r"[0-9]{4}")


def read_nik(text: str) -> str:
    """16 digits, as text. Raises FieldError."""
    if not _NIK.fullmatch(text):
        raise FieldError("needs 16 digits")
    return text


def read_kpj(text: str) -> str:
    """10 to 15 digits or letters, leading zeros kept, as text. Raises FieldError."""
    if not _KPJ.fullmatch(text):
        raise FieldError("needs 10 to 15 digits or letters (a spreadsheet may have cut leading zeros)")
    return sys.intern(text)


def read_identifier(text: str) -> str:
    """1 to 64 of letters, digits and `. _ : -`: ids given by the agency. Raises FieldError."""
    if not _IDENTIFIER.fullmatch(text):
        raise FieldError("needs 1 to 64 letters, digits or . _ : -, beginning with a letter or digit")
    return text


@lru_cache(maxsize=16_384)
def read_employer_id(text: str) -> str:
    """As read_identifier, the same object for the same text: a few employers stand in very many rows."""
    return read_identifier(text)


def read_name(text: str) -> str:
    """1 to 100 characters, returned in Unicode form NFC.

    Raises FieldError for control, direction and zero-width characters (general category C and the line
    separators), which could make one name look like another.
    """
    name = unicodedata.normalize("NFC", text)
    if not 1 <= len(name) <= 100:
        raise FieldError("needs 1 to 100 characters")
    if not name.isascii() and any(unicodedata.category(c) in ("Cc", "Cf", "Co", "Cn", "Zl", "Zp") for c in name):
        raise FieldError("has a control, direction or zero-width character; retype the name")
    return name


@lru_cache(maxsize=65_536)
def read_day(text: str) -> date:
    """A day as YYYY-MM-DD, not before 1900. Raises FieldError."""
    if not _DAY.fullmatch(text):
        raise FieldError("needs a day written YYYY-MM-DD")
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise FieldError("is not a day of the calendar") from error
    if day < FIRST_DAY:
        raise FieldError("lies before 1900")
    return day


@lru_cache(maxsize=1_024)
def read_month(text: str) -> str:
    """A month as YYYY-MM, 1950 or later, as text. Raises FieldError."""
    match = _MONTH.fullmatch(text)
    if match is None or int(match[1]) < 1950:
        raise FieldError("needs a month written YYYY-MM")
    return text


def read_year(text: str) -> int:
    """A year of four digits, 1950 or later. Raises FieldError."""
    if not _YEAR.fullmatch(text) or int(text) < 1950:
        raise FieldError("needs a year written YYYY")
    return int(text)


def read_balance(text: str) -> int:
    """Whole rupiah, 0 to 10^12, digits only. Raises FieldError."""
    if not _AMOUNT.fullmatch(text) or int(text) > MAX_AMOUNT:
        raise FieldError("needs whole rupiah in digits only (no Rp, dot, comma or sign), at most 10^12")
    return int(text)


def read_amount(text: str) -> int:
    """Whole rupiah, 1 to 10^12, digits only. Raises FieldError."""
    amount = read_balance(text)
    if amount == 0:
        raise FieldError("needs at least 1 rupiah")
    return amount


def read_phone(text: str) -> str:
    """A telephone number as E.164, as app/identity/contacts.py reads it. Raises FieldError."""
    try:
        return contacts.read_phone(text)
    except ValueError as error:
        raise FieldError(str(error)) from None


def read_email(text: str) -> str:
    """An e-mail address of at most 254 ASCII characters. Raises FieldError."""
    try:
        return contacts.read_email(text)
    except ValueError as error:
        raise FieldError(str(error)) from None


def _read_one_of(text: str, allowed: tuple[str, ...]) -> str:
    if text not in allowed:
        raise FieldError(f"needs one of {', '.join(allowed)}")
    return text


def read_locale(text: str) -> str:
    """`id` or `en`. Raises FieldError."""
    return _read_one_of(text, LOCALES)


def read_time_zone(text: str) -> str:
    """Asia/Jakarta, Asia/Makassar or Asia/Jayapura. Raises FieldError."""
    return _read_one_of(text, TIME_ZONES)


def read_segment(text: str) -> str:
    """PU, BPU, JAKON or PMI. Raises FieldError."""
    return _read_one_of(text, SEGMENTS)


def read_lifecycle(text: str) -> str:
    """The core's word for a card: pending, active, arrears, inactive or claimed. Raises FieldError."""
    return _read_one_of(text, LIFECYCLES)


def read_claim_kind(text: str) -> str:
    """full, ten_percent or thirty_percent. Raises FieldError."""
    return _read_one_of(text, CLAIM_KINDS)


def read_claim_state(text: str) -> str:
    """open, paid or withdrawn. Raises FieldError."""
    return _read_one_of(text, CLAIM_STATES)


@lru_cache(maxsize=256)
def read_programmes(text: str) -> tuple[str, ...]:
    """Programmes separated by `|`, each once, returned in the order JHT, JP, JKK, JKM, JKP. Raises FieldError."""
    named = text.split("|")
    if len(set(named)) != len(named) or not set(named) <= set(PROGRAMMES):
        raise FieldError(f"needs some of {'|'.join(PROGRAMMES)}, each once, separated by |")
    return tuple(programme for programme in PROGRAMMES if programme in named)
