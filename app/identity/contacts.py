"""Phone numbers and e-mail addresses: how they are read, and how much of them is shown. Pure."""

from __future__ import annotations

import re
from typing import Literal

Contact = Literal["phone", "email"]

_E164 = re.compile(r"\+[1-9][0-9]{7,14}")
_PHONE_PUNCTUATION = re.compile(r"[ .()-]")
_EMAIL = re.compile(r"[0-9A-Za-z.!#$%&'*+/=?^_`{|}~-]{1,64}@[0-9A-Za-z-]{1,63}(\.[0-9A-Za-z-]{1,63})+")


def read_phone(text: str) -> str:
    """A telephone number as E.164; `08…` becomes `+628…`. Spaces, dots, hyphens and brackets are dropped.

    Raises ValueError, whose text never repeats the value.
    """
    number = _PHONE_PUNCTUATION.sub("", text)
    if number.startswith("08"):
        number = "+62" + number[1:]
    if not _E164.fullmatch(number):
        raise ValueError("needs a number written +62… or 08…")
    return number


def read_email(text: str) -> str:
    """An e-mail address of at most 254 ASCII characters. Raises ValueError, whose text never repeats the value."""
    if len(text) > 254 or not _EMAIL.fullmatch(text):
        raise ValueError("needs an e-mail address like name@example.id")
    return text


def read_contact(contact: Contact, text: str) -> str:
    """What is kept of a contact that somebody typed. Raises ValueError."""
    return read_phone(text) if contact == "phone" else read_email(text)


def mask_contact(contact: Contact, value: str) -> str:
    """`•••021` or `d•••@example.id`: enough to know one's own by, and of no use to anybody else."""
    return f"•••{value[-3:]}" if contact == "phone" else mask_email(value)


def mask_email(address: str) -> str:
    """The first letter and the domain: enough to say `the one that begins with d`."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}•••@{domain}"
