"""An entry as it may travel through mail and SMS, which others can read: no balance, no identity number, no whole card
number, and nothing to tap that somebody else wrote. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from app.identity.codes import plain_name
from app.notifications.wording import Cause, Text, render, render_sms

MASK = "xxx"
CARDS = ("kpj", "absorb", "into", "absorbed", "survivor", "received_for_kpj", "from_kpj", "to_kpj")
NAMES = ("device_name", "devices", "passkey_name")
UNSAID = frozenset({"rupiah"})
INSTANT = re.compile(r"\d{4}-\d\d-\d\d(T[0-9:.+\-Z]*)?")
DAY = re.compile(r"\d{4}-\d\d-\d\d|\d{1,2}[-.]\d{1,2}[-.]\d{4}")
NUMBER = re.compile(r"\d(?:[ .\-]?\d){7,}")
MONEY = re.compile(r"\b(?:Rp|IDR)\s?\d[\d.,]*")
LINK = re.compile(
    r"\b(?:https?://|www\.)\S+|\b[\w\-]+\.(?:com|net|org|id|io|me|ly|co|info|xyz|app|site|online)\b\S*", re.IGNORECASE
)


def render_outside(version: str, kind: str, data: Mapping[str, Any], cause: Cause, locale: str) -> Text:
    """Title and body in `locale` (id, en). Raises KeyError for a kind that this version has no words for."""
    return render(version, kind, mask_data(data), _mask_cause(cause), locale, unsaid=UNSAID)


def render_short(version: str, kind: str, data: Mapping[str, Any], cause: Cause, locale: str) -> str:
    """The short text, or the title of a kind that has none, with its full stop."""
    short = render_sms(version, kind, mask_data(data), _mask_cause(cause), locale, unsaid=UNSAID)
    return short or f"{render_outside(version, kind, data, cause, locale).title}."


def mask_data(data: Mapping[str, Any]) -> dict[str, Any]:
    """Card numbers as their last four characters, names of phones without links, other texts without numbers and money."""
    return {key: _mask(key, value) for key, value in data.items()}


def mask_text(text: str) -> str:
    """What somebody typed: runs of eight digits or more keep the last four; money and links are taken out."""
    if INSTANT.fullmatch(text):
        return text
    return NUMBER.sub(_mask_number, MONEY.sub(f"Rp{MASK}", LINK.sub("(…)", text)))


def _mask(key: str, value: Any) -> Any:
    match value:
        case list():
            return [_mask(key, item) for item in value]
        case str() if key in CARDS or key.removeprefix("suspected_") in CARDS:
            return MASK + value[-4:]
        case str() if key in NAMES:
            return plain_name(value).strip('"')
        case str():
            return mask_text(value)
    return value


def _mask_cause(cause: Cause) -> Cause:
    return Cause(cause.origin, cause.actor, None if cause.reason is None else mask_text(cause.reason))


def _mask_number(found: re.Match[str]) -> str:
    if DAY.fullmatch(found[0]):
        return found[0]
    return MASK + "".join(filter(str.isdigit, found[0]))[-4:]
