"""The alphabet of short messages (3GPP TS 23.038): one letter outside it makes every segment less than half as long. Pure."""

from __future__ import annotations

import unicodedata

ALPHABET = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
TAKES_TWO = frozenset("^{}\\[~]|€")
WRITTEN_AS = str.maketrans({"“": '"', "”": '"', "’": "'", "‘": "'", "–": "-", "—": "-", "…": "...", "×": "x", "•": "*"})
ALONE, IN_A_ROW = 160, 153
"""Letters of a message of one segment, and of each segment of a longer one."""


def to_gsm(text: str) -> str:
    """The text with letters of the alphabet only: accents are dropped, and `?` stands for what has no like."""
    letters = unicodedata.normalize("NFC", text.translate(WRITTEN_AS))
    return "".join(letter if letter in ALPHABET or letter in TAKES_TWO else _plain(letter) for letter in letters)


def count_segments(text: str) -> int:
    """How many segments a text of this alphabet takes."""
    letters = sum(2 if letter in TAKES_TWO else 1 for letter in text)
    return 1 if letters <= ALONE else -(-letters // IN_A_ROW)


def _plain(letter: str) -> str:
    bare = "".join(part for part in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(part))
    return bare if bare and all(part in ALPHABET for part in bare) else "?"
