"""A claim is opened on a card, paid from it, or withdrawn."""

from __future__ import annotations

from typing import Any

from app.feed.apply_card import Card, change_card, change_cards, find_card, find_joined
from app.feed.event import Claim
from app.feed.joined import take_in_turn
from app.feed.rejection import Rejected
from app.feed.turn import Applied, Owner, Turn
from app.platform.sql import load

SQL = load("feed/apply_claim")


async def _find(turn: Turn, data: Claim) -> tuple[Owner, Card, str | None]:
    """The card that can be claimed from, and the state of this claim if it is known."""
    owner, card = await find_card(turn, data.kpj)
    if card.merge_mark == "merged":
        raise Rejected("card_merged", into=card.living_kpj)
    if card.living_balance is None:
        raise Rejected("card_without_jht")
    row = await turn.connection.fetchrow(SQL["find_claim"], owner.participant_id, data.claim_id)
    if row is not None and row["card_id"] != card.card_id:
        raise Rejected("claim_of_another_card")
    return owner, card, row["state"] if row else None


async def open_claim(turn: Turn, data: Claim) -> Applied:
    """A claim is under way: the card shows it, and merges of the card wait.

    Raises Rejected: `card_unknown`, `card_merged`, `card_without_jht`, `claim_known`, `claim_already_open`,
    `claim_of_another_card`.
    """
    owner, card, state = await _find(turn, data)
    if state is not None:
        raise Rejected("claim_known")
    if card.claim_id is not None:
        raise Rejected("claim_already_open")
    await turn.connection.execute(
        SQL["open_claim"], owner.participant_id, data.claim_id, card.card_id, data.kind, data.amount, turn.event.day
    )
    return await change_card(
        turn,
        owner,
        card_id=card.card_id,
        kind="claim_opened",
        patch={"claim_id": data.claim_id},
        data={"claim_id": data.claim_id, "claim_kind": data.kind, "amount": data.amount},
    )


async def pay_claim(turn: Turn, data: Claim) -> Applied:
    """Money leaves the card; a full claim ends it. A payment whose claim was never opened here counts all the same.

    What the core pays from money that it joined without consent, and this card does not hold, is taken from the cards
    that it joined to it: never below zero on any. Raises Rejected: `card_unknown`, `card_merged`, `card_without_jht`,
    `claim_paid_already`, `claim_of_another_card`, `balance_too_small`.
    """
    owner, card, state = await _find(turn, data)
    if state == "paid":
        raise Rejected("claim_paid_already")
    cards, balances = await find_joined(turn, owner, card.card_id)
    taken = take_in_turn(data.amount, balances)
    if taken is None:
        raise Rejected("balance_too_small")
    await turn.connection.execute(
        SQL["pay_claim"], owner.participant_id, data.claim_id, card.card_id, data.kind, data.amount, turn.event.day
    )
    patch: dict[str, Any] = {}
    if card.claim_id == data.claim_id:
        patch["claim_id"] = None
    if data.kind == "full":
        patch |= {"lifecycle": "claimed", "closed_on": card.closed_on or turn.event.day}
    joined = data.amount if taken[0] < data.amount else None
    changes = [
        {
            "card_id": card_id,
            "kind": "claim_paid",
            "ledger_kind": "claim_payment" if part else None,
            "amount": -part if part else None,
            "effective_on": turn.event.day,
            "received_for_kpj": None if card_id == card.card_id else card.kpj,
            "source_event": turn.event.id,
            "patch": patch if card_id == card.card_id else {},
            "data": {
                "claim_id": data.claim_id,
                "claim_kind": data.kind,
                "amount": part or None,
                "joined_amount": joined,
            },
        }
        for card_id, part in zip(cards, taken, strict=True)
        if part or card_id == card.card_id
    ]
    return await change_cards(turn, owner, changes)


async def withdraw_claim(turn: Turn, data: Claim) -> Applied:
    """A claim that was under way is not any more: the card shows what it was before, and can be merged again.

    Raises Rejected: `card_unknown`, `claim_unknown`, `claim_of_another_card`, `claim_paid_already`.
    """
    owner, card = await find_card(turn, data.kpj)
    row = await turn.connection.fetchrow(SQL["find_claim"], owner.participant_id, data.claim_id)
    if row is None:
        raise Rejected("claim_unknown")
    if row["card_id"] != card.card_id:
        raise Rejected("claim_of_another_card")
    if row["state"] == "paid":
        raise Rejected("claim_paid_already")
    if row["state"] == "withdrawn":
        return Applied(owner.participant_id, owner.lane, "nothing_changed")
    await turn.connection.execute(SQL["withdraw_claim"], owner.participant_id, data.claim_id)
    return await change_card(
        turn,
        owner,
        card_id=card.card_id,
        kind="claim_withdrawn",
        patch={"claim_id": None} if card.claim_id == data.claim_id else {},
        data={"claim_id": data.claim_id, "claim_kind": data.kind, "amount": data.amount},
    )
