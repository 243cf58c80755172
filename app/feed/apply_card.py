"""A card is opened, or the core tells another lifecycle of it."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from app.feed.event import CardOpened, CardStatusChanged
from app.feed.rejection import Rejected
from app.feed.turn import SQL, Applied, Owner, Turn, check_streams, find_owner, record_cause
from app.platform.database import new_id

ENDED = ("inactive", "claimed")


class Card(msgspec.Struct, frozen=True):
    """A card as it stands. Its money goes to `living_card_id`: itself, or the card that it was merged into by consent."""

    card_id: UUID
    kpj: str
    lifecycle: str
    closed_on: date | None
    claim_id: str | None
    merge_mark: str | None
    living_card_id: UUID
    living_kpj: str
    living_balance: int | None

    @property
    def received_for_kpj(self) -> str | None:
        """The number that money was meant for, when it goes to another card."""
        return self.kpj if self.living_card_id != self.card_id else None


async def find_card(turn: Turn, kpj: str) -> tuple[Owner, Card]:
    """A card and whose it is, locked from here on. Raises Rejected: `card_unknown`, `stream_foreign`."""
    owner = await find_owner(turn, [kpj])
    row = await turn.connection.fetchrow(SQL["read_card"], owner.participant_id, owner.card_ids[kpj])
    return owner, msgspec.convert(dict(row or {}), Card)


async def change_card(turn: Turn, owner: Owner, **change: Any) -> Applied:
    """One change of one card and its history entry; the keys are those of the type card_change."""
    return await change_cards(turn, owner, [change])


async def change_cards(turn: Turn, owner: Owner, changes: list[dict[str, Any]]) -> Applied:
    """Changes of several cards of one owner, for this one event; each card has its own history entry."""
    cause_id = await record_cause(turn, owner.participant_id)
    shared = {"participant_id": str(owner.participant_id), "cause_id": str(cause_id)}
    await turn.connection.execute(SQL["apply_changes"], [msgspec.to_builtins(shared | change) for change in changes])
    return Applied(owner.participant_id, owner.lane)


async def find_joined(turn: Turn, owner: Owner, card_id: UUID) -> tuple[list[UUID], list[int]]:
    """A card and those that the core merged into it without consent, with their balances; the card itself first."""
    rows = await turn.connection.fetch(SQL["joined_cards"], owner.participant_id, card_id)
    return [row["card_id"] for row in rows], [row["balance"] for row in rows]


async def open_card(turn: Turn, data: CardOpened) -> Applied:
    """A new card, with an opening balance or without.

    Raises Rejected: `participant_unknown`, `card_known`, `card_without_jht`, `data_invalid`, `stream_foreign`.
    """
    if len(set(data.programmes)) != len(data.programmes):
        raise Rejected("data_invalid", reason="a programme is named twice")
    if data.opening_balance is not None and "JHT" not in data.programmes:
        raise Rejected("card_without_jht")
    owner = await turn.connection.fetchrow(SQL["find_participant"], turn.nik_hash(data.nik))
    if owner is None:
        raise Rejected("participant_unknown")
    check_streams(turn.event, nik=data.nik, kpjs=[data.kpj])
    if data.employer is not None:
        await turn.connection.execute(SQL["add_employer"], data.employer.id, data.employer.name)
    cause_id = await record_cause(turn, owner["participant_id"])
    card_id = new_id()
    opening = {
        "participant_id": owner["participant_id"],
        "card_id": card_id,
        "cause_id": cause_id,
        "kpj": data.kpj,
        "segment": data.segment,
        "employer_id": data.employer.id if data.employer else None,
        "programmes": data.programmes,
        "opened_on": data.opened_on,
        "lifecycle": data.status,
    }
    entries = []
    if data.opening_balance:
        entries.append(
            {
                "participant_id": owner["participant_id"],
                "card_id": card_id,
                "cause_id": cause_id,
                "ledger_kind": "opening",
                "amount": data.opening_balance,
                "effective_on": max(data.opened_on, turn.event.day),
                "source_event": turn.event.id,
            }
        )
    await turn.connection.execute(SQL["open_cards"], msgspec.to_builtins([opening]), msgspec.to_builtins(entries))
    return Applied(owner["participant_id"], owner["lane"])


async def change_status(turn: Turn, data: CardStatusChanged) -> Applied:
    """Another lifecycle; merged, frozen and claimed parts of the card's state stay as they are.

    Raises Rejected: `card_unknown`, `stream_foreign`.
    """
    owner, card = await find_card(turn, data.kpj)
    if card.lifecycle == data.status:
        return Applied(owner.participant_id, owner.lane, "nothing_changed")
    closed_on = (card.closed_on or data.effective_on) if data.status in ENDED else None
    return await change_card(
        turn,
        owner,
        card_id=card.card_id,
        kind="card_status_changed",
        patch={"lifecycle": data.status, "closed_on": closed_on},
        data={"lifecycle": data.status, "effective_on": data.effective_on, "reason": data.reason},
    )
