"""The core tells the balance that it has in its own book: compared with ours, and a difference becomes a case."""

from __future__ import annotations

from typing import Any

import msgspec

from app.feed.apply_card import Card, find_card
from app.feed.compared import Standing, compare, suspect_merge
from app.feed.event import BalanceReported
from app.feed.rejection import Rejected
from app.feed.turn import Applied, Owner, Turn, record_cause
from app.platform.database import new_id
from app.platform.sql import load

SQL = load("feed/apply_balance")


async def compare_balance(turn: Turn, data: BalanceReported) -> Applied:
    """An equal figure is remembered and changes nothing, or ends the open case. Another one opens a case, tells the
    participant, and holds their merges; told again only when the difference has become another.

    No money is ever posted here: what is missing comes by events of its own. Raises Rejected: `card_unknown`,
    `card_without_jht`, `day_unknown`, `stream_foreign`.
    """
    owner, card = await find_card(turn, data.kpj)
    cards, own = await _read(turn, owner, card, data)
    if own.told_as_of is not None and data.as_of < own.told_as_of:
        return Applied(owner.participant_id, owner.lane, "report_outdated")
    outcome = compare(own, data.balance)
    await turn.connection.execute(
        SQL["keep"], owner.participant_id, own.card_id, data.as_of, data.balance, own.ours, data.status, outcome
    )
    figures: dict[str, Any] = {
        "theirs": data.balance,
        "ours": own.ours,
        "difference": data.balance - own.ours,
        "as_of": data.as_of.isoformat(),
        "status": data.status,
    }
    if outcome != "differs":
        if own.case_open:
            cause_id = await record_cause(turn, owner.participant_id)
            await turn.connection.execute(SQL["agree"], owner.participant_id, own.card_id, figures, cause_id)
        return Applied(owner.participant_id, owner.lane, f"balance_{outcome}")
    if own.case_open and own.differs_by == data.balance - own.ours:
        return Applied(owner.participant_id, owner.lane, "balance_differs")
    suspicion = suspect_merge(cards, own.card_id, data.balance)
    figures["suspected_merge"] = msgspec.to_builtins(suspicion)
    cause_id = await record_cause(turn, owner.participant_id)
    await turn.connection.execute(SQL["dispute"], owner.participant_id, own.card_id, new_id(), figures, cause_id)
    return Applied(owner.participant_id, owner.lane, "balance_differs" if own.case_open else "case_opened")


async def _read(turn: Turn, owner: Owner, card: Card, data: BalanceReported) -> tuple[list[Standing], Standing]:
    """All cards with savings as they stood at the end of that day, and the one that is compared."""
    rows = await turn.connection.fetch(SQL["standing"], owner.participant_id, data.as_of)
    cards = [msgspec.convert(dict(row), Standing) for row in rows]
    own = next((standing for standing in cards if standing.card_id == card.card_id), None)
    if own is None:
        raise Rejected("card_without_jht")
    if own.since is not None and data.as_of < own.since:
        raise Rejected("day_unknown", since=own.since)
    return cards, own
