"""Two books of one participant beside each other: does the core agree, and what does a difference hint at? Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from uuid import UUID

import msgspec


class Standing(msgspec.Struct, frozen=True):
    """One card in our book, whole rupiah: at the end of the day compared (`ours`) and `now`.

    `apart` is what the core would hold that has not done the merges that it has not acknowledged; `joined` what it would
    hold after the merges that it did and we keep apart, None where there is none. `since` is the first day that is known.
    `told`, `told_ours`, `told_as_of` and `outcome` are those of the last comparison.
    """

    card_id: UUID
    kpj: str
    ours: int
    now: int
    apart: int
    joined: int | None
    since: date | None
    told: int | None
    told_ours: int | None
    told_as_of: date | None
    outcome: str | None
    case_open: bool

    @property
    def differs_by(self) -> int | None:
        """By how much the core's figure was ours and more, at the last comparison; None when they did not differ."""
        if self.outcome != "differs" or self.told is None or self.told_ours is None:
            return None
        return self.told - self.told_ours


class Suspicion(msgspec.Struct, frozen=True):
    """The figures are those of a merge that the core would have done without telling."""

    absorbed: str
    into: str


def compare(card: Standing, theirs: int) -> str:
    """agrees, explained (by a merge that one side has done and the other has not), or differs.

    What came after the day is no difference: the core may count it or not.
    """
    if theirs in (card.ours, card.now):
        return "agrees"
    return "explained" if theirs in (card.apart, card.joined) else "differs"


def suspect_merge(cards: Sequence[Standing], reported: UUID, theirs: int) -> Suspicion | None:
    """The one pair that would explain it: a card that the core holds for empty, and one that it holds for both together.

    `theirs` is the figure of the card `reported` that is compared now; the others' are of their last comparison.
    """
    figures = {card.card_id: card.told if card.differs_by is not None else None for card in cards} | {reported: theirs}
    pairs = [
        (figures[absorbed.card_id] is None, Suspicion(absorbed.kpj, into.kpj))
        for absorbed, into in _pairs(cards)
        if absorbed.ours > 0
        and figures[absorbed.card_id] in (None, 0)
        and figures[into.card_id] == into.ours + absorbed.ours
        and reported in (absorbed.card_id, into.card_id)
    ]
    return min(pairs, key=lambda pair: (pair[0], pair[1].absorbed), default=(True, None))[1]


def _pairs(cards: Sequence[Standing]) -> Iterable[tuple[Standing, Standing]]:
    return ((absorbed, into) for absorbed in cards for into in cards if absorbed is not into)
