"""What the core answers: it does what participants agreed to, now and then refuses, and decides their disputes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.local.agency.send import Line
from app.local.agency.world import Person, Sent, World, chance, numbered

REFUSES, RESTORES = 0.1, 0.5
PAGE = 1000


async def answers_of(world: World, line: Line, index: int) -> list[Sent]:
    """To everything that waits for the core. What was executed here is in the book from now on."""
    people = {person.nik: person for person in world.people}
    sent = []
    for state in ("executed", "undone"):
        for merge in await _find_waiting(line, state):
            person = people.get(merge["nik"])
            if person is not None:
                sent.append(_answer(world, person, merge, index))
    found = await line.ask("/feed/v1/cases/search", {"case_search": {"state": "open", "limit": PAGE}})
    for case in found["cases"]:
        person = people.get(case["nik"])
        if person is not None and case["kind"] == "dispute":
            sent.append(_decide(world, person, case, index))
    return sent


async def _find_waiting(line: Line, state: str) -> list[dict[str, Any]]:
    merges: list[dict[str, Any]] = []
    after: str | None = str(UUID(int=0))
    while after:
        search = {"state": state, "core": "pending", "limit": PAGE, "after": after}
        page = await line.ask("/feed/v1/merges/search", {"merge_search": search})
        merges += page["merges"]
        after = page["next"]
    return merges


def _answer(world: World, person: Person, merge: dict[str, Any], index: int) -> Sent:
    undone = merge["state"] == "undone"
    about = {"absorb": merge["absorb"], "into": merge["into"], "undone": undone}
    for kpj in merge["absorb"]:
        person.card(kpj).here = None if undone else merge["into"]
    data = {"merge_id": merge["id"]}
    refuses = chance(world.seed, merge["absorb"], merge["into"], index).random() < REFUSES
    if refuses and not undone:
        data["reason"] = "Data kartu sedang diperiksa"
        return numbered(world, person, world.day(index), "merge.refused", data, **about)
    return numbered(world, person, world.day(index), "merge.acknowledged", data, **about)


def _decide(world: World, person: Person, case: dict[str, Any], index: int) -> Sent:
    restores = chance(world.seed, "dispute", person.nik).random() < RESTORES
    data = {
        "case_id": case["id"],
        "decision": "restored" if restores else "accepted",
        "reason": "Tidak ada persetujuan tertulis" if restores else "Persetujuan tertulis ada di arsip cabang",
        "staff": "sim-ani",
        "second_staff": "sim-budi",
    }
    absorb = [card.kpj for card in person.cards if card.told]
    return numbered(world, person, world.day(index), "case.decided", data, absorb=absorb)
