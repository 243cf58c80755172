"""When two identities are so nearly the same that one of them is likely a slip of the pen. Pure, and versioned.

The rules are strict, because what they suggest is somebody else's card: the same name and birthday with another valid
identity number is another person. A slip is one digit, or two neighbouring digits exchanged; and something in the data
itself must show it.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from collections.abc import Iterator
from datetime import date

import msgspec

from app.identity.tokens import derive_key

RULES_VERSION = "2026-11"

REGION, DATE, SERIAL = slice(0, 6), slice(6, 12), slice(12, 16)
"""The parts of a NIK: where it was first registered, DDMMYY (women: day + 40), and a number."""

WOMAN = 40
TITLES = frozenset(
    {
        *("h", "hj", "haji", "hajah", "kh", "dr", "drs", "dra", "ir", "prof", "alm", "almh"),
        *("tn", "ny", "nn", "sdr", "sdri", "bpk", "bapak", "ibu"),
        *("se", "sh", "st", "sp", "sag", "spd", "skom", "ssos", "skm", "skep", "mm", "mt", "mh", "msi", "mpd", "amd"),
    }
)
VARIANTS = {
    **dict.fromkeys(
        ("m", "md", "moh", "mohd", "muh", "muhd", "mohamad", "mohamed", "mochamad", "mochammad", "muchamad", "muhamad"),
        "muhammad",
    ),
    **dict.fromkeys(("mohammad", "mohammed", "muchammad"), "muhammad"),
    **dict.fromkeys(("abd", "abdoel"), "abdul"),
}
OLD_SPELLING = (("oe", "u"), ("dj", "j"), ("tj", "c"))


class Identity(msgspec.Struct, frozen=True):
    """Who somebody is registered as."""

    nik: str
    name: str
    birth_date: date


def name_key(name: str) -> str:
    """The name without case, accents, titles, abbreviations, spaces and old spelling."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    # a title has its dots inside (S.E.), a name has not
    words = re.sub(r"[^a-z ]", "", plain.replace("-", " ").replace(",", " ")).split()
    names = [VARIANTS.get(word, word) for word in words if word not in TITLES] or words
    return "".join(_fold(word) for word in names)


def _fold(word: str) -> str:
    for old, new in OLD_SPELLING:
        word = word.replace(old, new)
    return re.sub(r"(.)\1", r"\1", word)


def judge(mine: Identity, other: Identity) -> str | None:
    """The rule by which a card of `other` may be `mine`, or None. Not symmetric: only the sound one is told."""
    if name_key(mine.name) != name_key(other.name) or not _fits(mine) or not is_one_slip(mine.nik, other.nik):
        return None
    if mine.birth_date == other.birth_date:
        if not _fits(other):
            return "nik_date_mistyped"
        return "nik_region_exchanged" if is_one_slip(mine.nik[REGION], other.nik[REGION], exchanged=True) else None
    if other.birth_date in _mistyped_days(mine.birth_date) and not _fits(other):
        return "nik_and_birth_date_mistyped"
    return None


def is_one_slip(a: str, b: str, *, exchanged: bool = False) -> bool:
    """Whether one digit differs, or two neighbours are exchanged; with `exchanged`, only the latter."""
    if len(a) != len(b):
        return False
    apart = [place for place in range(len(a)) if a[place] != b[place]]
    if len(apart) == 2 and apart[1] == apart[0] + 1:
        first, second = apart
        return a[first] == b[second] and a[second] == b[first]
    return len(apart) == 1 and not exchanged


def own_keys(identity: Identity, secret: str) -> list[bytes]:
    """Under which keys an identity is found: one for each part of the NIK, of which a slip leaves at least one whole."""
    return list(_keys(identity, identity.birth_date, derive_key(secret, "match keys")))


def keys_to_look_for(identity: Identity, secret: str) -> list[bytes]:
    """Under which keys nearly the same identities would be found, those with a mistyped birth date included."""
    key = derive_key(secret, "match keys")
    days = [identity.birth_date, *_mistyped_days(identity.birth_date)]
    return [found for day in days for found in _keys(identity, day, key)]


def _keys(identity: Identity, day: date, key: bytes) -> Iterator[bytes]:
    name = name_key(identity.name)
    for number, part in enumerate((REGION, DATE, SERIAL)):
        yield hmac.digest(key, f"{name}|{day.isoformat()}|{number}|{identity.nik[part]}".encode(), "sha256")


def _fits(identity: Identity) -> bool:
    """Whether the NIK says the birth date that is on file."""
    said = identity.nik[DATE]
    day = int(said[:2])
    born = identity.birth_date
    return day in (born.day, born.day + WOMAN) and said[2:] == f"{born:%m%y}"


def _mistyped_days(day: date) -> list[date]:
    """The dates that one gets by exchanging day and month, or two neighbouring digits of DDMMYYYY."""
    digits = f"{day:%d%m%Y}"
    typed = {digits[2:4] + digits[:2] + digits[4:]}
    typed |= {
        digits[:place] + digits[place + 1] + digits[place] + digits[place + 2 :] for place in range(len(digits) - 1)
    }
    found = []
    for text in sorted(typed - {digits}):
        try:
            found.append(date(int(text[4:]), int(text[2:4]), int(text[:2])))
        except ValueError:
            continue  # not a day: such a slip would have been noticed
    return found
