"""The code that staff at a branch hand to a person whom they have seen. Pure.

16 characters of an alphabet without 0, 1, I and O: 80 bits, which nobody guesses, so that a plain SHA-256 of it tells
nothing. It is written in groups of four, `7KQM-2WXE-H9TD-RB4F`; case, spaces and hyphens do not count.
"""

from __future__ import annotations

import hashlib
import re
from typing import Annotated

import msgspec

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
CHARACTERS = 16
FORM = re.compile(f"[{ALPHABET}]{{{CHARACTERS}}}")

BranchCodeText = Annotated[str, msgspec.Meta(min_length=CHARACTERS, max_length=40)]
"""A branch code as it comes in a request: as the person typed it."""


def normalise(typed: str) -> str:
    """The 16 characters without what is there for reading. Raises ValueError when it cannot be a branch code."""
    code = re.sub(r"[ -]", "", typed).upper()
    if not FORM.fullmatch(code):
        raise ValueError(f"a branch code has {CHARACTERS} letters and digits; 0, 1, I and O are not among them")
    return code


def write(random: bytes) -> str:
    """A code as it is handed out, from 10 random bytes."""
    number = int.from_bytes(random[:10])
    code = "".join(ALPHABET[number >> 5 * place & 31] for place in range(CHARACTERS))
    return "-".join(code[start : start + 4] for start in range(0, CHARACTERS, 4))


def branch_code_sha256(typed: str) -> str:
    """`code_sha256` of the feed's event: lower-case hex SHA-256 of the normalised code. Raises ValueError."""
    return hashlib.sha256(normalise(typed).encode()).hexdigest()
