"""Finds the cards that somebody named by number, and refuses what may not be merged. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from app.cards.problems import CardUnknown
from app.merges.merge import Card, Judgement
from app.merges.problems import (
    AcknowledgementMissing,
    CardFrozen,
    CardLocked,
    ClaimPending,
    MergeAlreadyOpen,
    MergeNotAllowed,
)
from app.platform.problems import RequestInvalid


def select_cards(cards: Sequence[Card], absorb: Sequence[str], into: str) -> tuple[list[Card], Card]:
    """The named cards of one participant, absorbed ones by number. Raises CardUnknown, or RequestInvalid for a double."""
    by_kpj = {card.kpj: card for card in cards}
    if len({*absorb, into}) != len(absorb) + 1:
        raise RequestInvalid(errors=[{"field": "absorb", "reason": "a card stands twice, or merges into itself"}])
    try:
        return [by_kpj[kpj] for kpj in sorted(absorb)], by_kpj[into]
    except KeyError:
        raise CardUnknown from None


def refuse_unless_allowed(judgement: Judgement, cards: Sequence[Card]) -> None:
    """Raises the most telling problem when the judgement has reasons against it."""
    reasons = set(judgement.reasons)
    if not reasons:
        return
    if "merge_already_open" in reasons:
        raise MergeAlreadyOpen(merge_id=next(card.open_merge_id for card in cards if card.open_merge_id))
    if reasons == {"claim_pending"}:
        raise ClaimPending(claim_id=next(card.claim_id for card in cards if card.claim_id))
    if reasons == {"card_locked"}:
        raise CardLocked
    if reasons == {"card_frozen"}:
        raise CardFrozen
    raise MergeNotAllowed(reasons=judgement.reasons)


def refuse_unless_acknowledged(to_acknowledge: Sequence[str], acknowledged: Sequence[str]) -> None:
    """Raises unless exactly the warnings of the plan were acknowledged, each once."""
    differing = set(to_acknowledge) ^ set(acknowledged)
    if differing or len(acknowledged) != len(to_acknowledge):
        raise AcknowledgementMissing(codes=sorted(differing))
