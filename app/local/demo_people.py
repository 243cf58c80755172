"""The demo people, as they are loaded: who they are, a card of theirs, and the story that they play. All invented."""

from __future__ import annotations

import csv
from pathlib import Path

import msgspec

PEOPLE = Path(__file__).parent / "people"


class DemoPerson(msgspec.Struct, frozen=True):
    """`born` is YYYY-MM-DD, `phone` E.164; `kpjs` are the numbers of all cards."""

    nik: str
    name: str
    born: str
    phone: str
    kpjs: list[str]
    deceased: bool = False
    email: str = ""
    story: str = ""


def list_people() -> list[DemoPerson]:
    """In the order of the file."""
    cards = _rows("cards.csv")
    dead = {row["nik"] for row in _rows("deaths.csv")}
    stories = {row["nik"]: row["story"] for row in _rows("stories.csv")}
    return [
        DemoPerson(
            nik := row["nik"],
            row["name"],
            row["birth_date"],
            row["phone"],
            [card["kpj"] for card in cards if card["nik"] == nik],
            nik in dead,
            row["email"],
            stories.get(nik, ""),
        )
        for row in _rows("participants.csv")
    ]


def find_person(name: str) -> DemoPerson:
    """By first name. Raises LookupError, naming those there are."""
    people = list_people()
    for person in people:
        if person.name.lower().split()[0] == name.lower():
            return person
    names = ", ".join(sorted({person.name.split()[0] for person in people}))
    raise LookupError(f"nobody is called {name}; there are {names}")


def _rows(file: str) -> list[dict[str, str]]:
    with (PEOPLE / file).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))
