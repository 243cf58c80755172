"""What a run came to: do the two books agree, and was every silent merge found?"""

from __future__ import annotations

import msgspec

from app.local.agency.world import Card, Person, World

DIFFERS = ("case_opened", "balance_differs")


class Judged(msgspec.Struct, frozen=True):
    """`agree` and `explained` count cards; `found` and `missed` are silent merges, absorbed → into; `wrong` must be empty."""

    agree: int
    explained: int
    found: list[str]
    missed: list[str]
    wrong: list[str]

    @property
    def holds(self) -> bool:
        return not self.missed and not self.wrong


def judge(world: World) -> Judged:
    """Holds the answers to the last reports against the agency's own book."""
    agree = explained = 0
    found: list[str] = []
    missed: list[str] = []
    wrong: list[str] = []
    for person, card in world.cards():
        code = world.reports.get(card.kpj)
        if card.silent is not None:
            (found if _is_found(world, person, card) else missed).append(f"{card.kpj} → {card.core}")
        elif code == "balance_agrees" or code == "balance_explained":
            agree += code == "balance_agrees"
            explained += code == "balance_explained"
        elif not _is_kept(person, card):
            wrong.append(f"{card.kpj}: {code}; the core holds {person.core_balance(card.kpj)}")
    wrong += [f"{count} {key}" for key, count in world.tally.items() if _must_not_be(key)]
    return Judged(agree, explained, found, missed, wrong)


def _is_kept(person: Person, card: Card) -> bool:
    """It is the card that another one was silently merged into: its figure must differ too."""
    return any(other.silent and other.core == card.kpj for other in person.cards)


def _is_found(world: World, person: Person, card: Card) -> bool:
    """Both figures differ; a card that held nothing cannot be seen to be gone."""
    return {world.reports.get(card.kpj), world.reports.get(card.core or "")} <= set(DIFFERS) or (
        person.here_balance(card.kpj) == 0
    )


def _must_not_be(key: str) -> bool:
    return any(word in key for word in (" quarantined", " held", "invariant_violated", "stream_", "malformed"))
