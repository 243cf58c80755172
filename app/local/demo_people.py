"""The demo people, as they are loaded: who they are, a card of theirs, and the story that they play."""

from __future__ import annotations

import csv
from pathlib import Path

import msgspec

PEOPLE = Path(__file__).parent / "people"


class DemoPerson(msgspec.Struct, frozen=True):
    """All invented. `kpjs` are the numbers of all cards, `birth_date` is YYYY-MM-DD."""

    name: str
    nik: str
    birth_date: str
    phone: str
    email: str
    kpjs: list[str]
    story: str


def list_people() -> list[DemoPerson]:
    """In the order of the files."""
    stories = {row["nik"]: row["story"] for row in _rows("stories.csv")}
    cards = _rows("cards.csv")
    return [
        DemoPerson(
            name=person["name"],
            nik=person["nik"],
            birth_date=person["birth_date"],
            phone=person["phone"],
            email=person["email"],
            kpjs=[card["kpj"] for card in cards if card["nik"] == person["nik"]],
            story=stories.get(person["nik"], ""),
        )
        for person in _rows("participants.csv")
    ]


def _rows(file: str) -> list[dict[str, str]]:
    with (PEOPLE / file).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))
