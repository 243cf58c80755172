"""Short messages keep to their alphabet, because one letter outside it halves what fits."""

from __future__ import annotations

import pytest

from app.platform.gsm import ALPHABET, IN_A_ROW, TAKES_TWO, count_segments, to_gsm


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Kartu xxx0011 – “HP Dwi”…", 'Kartu xxx0011 - "HP Dwi"...'),
        ("Añäéü Ødå", "Añäéü Ødå"),
        ("Ngọc Čapek 3×24", "Ngoc Capek 3x24"),
        ("手机 📱", "?? ?"),
        ("e\u0301", "é"),
    ],
)
def test_every_letter_is_of_the_alphabet(text: str, written: str) -> None:
    assert to_gsm(text) == written
    assert set(to_gsm(text)) <= ALPHABET | TAKES_TWO


def test_the_alphabet_has_its_128_places() -> None:
    assert len(ALPHABET) == 127, "and one for the escape to those that take two"


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * (2 * IN_A_ROW), 2),
        ("a" * (2 * IN_A_ROW + 1), 3),
        ("[" * 80, 1),
        ("[" * 81, 2),
    ],
)
def test_segments_are_counted_as_a_network_does(text: str, segments: int) -> None:
    assert count_segments(text) == segments
