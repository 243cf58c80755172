"""How a fact is written for a person: rupiah, days, months, instants, lists of cards, words. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date

JAKARTA = ZoneInfo("Asia/Jakarta")

Words = Mapping[str, Any]


def write_value(value: object, form: str, words: Words, locale: str) -> str | None:
    """The value as text; None when it is missing or cannot be read as what it should be."""
    if value is None or value == "":
        return None
    write = FORMS.get(form)
    if write is None:
        return _write_word(value, words.get(form))
    try:
        return write(value, words, locale)
    except (ValueError, TypeError):
        return None


def _write_word(value: object, vocabulary: Mapping[str, str] | None) -> str:
    # A word that this version does not know yet is shown as it came: better than silence.
    return vocabulary.get(str(value), str(value)) if vocabulary else str(value)


def _write_rupiah(value: Any, _words: Words, _locale: str) -> str:
    # The sentence says which way the money went; a minus sign would say it twice.
    return f"Rp{abs(int(value)):,}".replace(",", ".")


def _write_day(value: Any, _words: Words, locale: str) -> str:
    return format_date(date.fromisoformat(value[:10]), "d MMMM y", locale=locale)


def _write_month(value: Any, _words: Words, locale: str) -> str:
    return format_date(date.fromisoformat(f"{value[:7]}-01"), "MMMM y", locale=locale)


def _write_instant(value: Any, _words: Words, locale: str) -> str:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("an instant without a zone")
    local = moment.astimezone(JAKARTA)
    at = "pukul" if locale == "id" else "at"
    clock = local.strftime("%H.%M" if locale == "id" else "%H:%M")
    return f"{format_date(local, 'd MMMM y', locale=locale)} {at} {clock} WIB"


def _write_fields(value: Any, words: Words, locale: str) -> str | None:
    return _write_cards([_write_word(field, words["field"]) for field in value], words, locale)


def _write_cards(value: Any, words: Words, _locale: str) -> str | None:
    numbers = [value] if isinstance(value, str) else [str(number) for number in value]
    if len(numbers) < 2:
        return numbers[0] if numbers else None
    return f"{', '.join(numbers[:-1])} {words['and']} {numbers[-1]}"


FORMS: dict[str, Callable[[Any, Words, str], str | None]] = {
    "rupiah": _write_rupiah,
    "day": _write_day,
    "month": _write_month,
    "instant": _write_instant,
    "cards": _write_cards,
    "fields": _write_fields,
}
