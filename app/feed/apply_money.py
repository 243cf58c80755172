"""Money comes in, contributions and the yearly growth, to the living card, whatever number it was meant for; or is taken back."""

from __future__ import annotations

from datetime import date, timedelta

from app.feed.apply_card import change_card, change_cards, find_card, find_joined
from app.feed.event import ContributionPosted, ContributionReversed, GrowthCredited
from app.feed.joined import split_by_balance
from app.feed.rejection import Rejected
from app.feed.turn import SQL, Applied, Turn, find_owner, record_cause
from app.platform.clock import jakarta_day

PAID_AHEAD_AT_MOST = timedelta(days=370)
"""The self-employed may pay up to twelve months ahead."""


async def post_contribution(turn: Turn, data: ContributionPosted) -> Applied:
    """The JHT share of one month's contribution.

    Paid for a card that was merged by consent, it is posted to the survivor and says so; a card that the core merged
    on its own keeps receiving its own. Raises Rejected: `card_unknown`, `card_without_jht`, `date_in_future`.
    """
    month = date.fromisoformat(f"{data.month}-01")
    if month > jakarta_day(turn.now + PAID_AHEAD_AT_MOST):
        raise Rejected("date_in_future", field="month")
    owner, card = await find_card(turn, data.kpj)
    if card.living_balance is None:
        raise Rejected("card_without_jht")
    employer = await turn.connection.fetchval(SQL["employer_name"], data.employer_id)
    return await change_card(
        turn,
        owner,
        card_id=card.living_card_id,
        kind="late_contribution_posted" if card.received_for_kpj else "contribution_posted",
        ledger_kind="contribution",
        amount=data.amount,
        effective_on=data.paid_on,
        employer_id=data.employer_id,
        month=month,
        received_for_kpj=card.received_for_kpj,
        source_event=turn.event.id,
        data={
            "amount": data.amount,
            "month": data.month,
            "employer": employer,
            "paid_on": data.paid_on,
            "received_for_kpj": card.received_for_kpj,
        },
    )


async def reverse_contribution(turn: Turn, data: ContributionReversed) -> Applied:
    """A contribution is taken back, once, by an entry on the card that holds its money now, wherever merges and undos took it.

    Raises Rejected: `card_unknown`, and by the constraint's name `contribution_unknown`, `contribution_of_another_card`,
    `contribution_reversed_already`, `balance_too_small`.
    """
    owner = await find_owner(turn, [data.kpj])
    cause_id = await record_cause(turn, owner.participant_id, reason=data.reason)
    event = turn.event
    await turn.connection.execute(
        SQL["reverse_contribution"],
        owner.participant_id,
        data.kpj,
        data.event_id,
        event.id,
        event.day,
        data.reason,
        cause_id,
    )
    return Applied(owner.participant_id, owner.lane)


async def credit_growth(turn: Turn, data: GrowthCredited) -> Applied:
    """A year's growth, effective on its 31 December. Zero is an entry too: the year was looked at.

    What is credited on money that the core joined without consent is split over the cards it lies on, by their balances.
    Raises Rejected: `card_unknown`, `card_without_jht`, `date_in_future`, and by the constraint's name
    `growth_credited_already`.
    """
    if data.year > jakarta_day(turn.now).year:
        raise Rejected("date_in_future", field="year")
    owner, card = await find_card(turn, data.kpj)
    if card.living_balance is None:
        raise Rejected("card_without_jht")
    cards, balances = await find_joined(turn, owner, card.living_card_id)
    joined = data.amount if len(cards) > 1 else None
    changes = []
    for card_id, share in zip(cards, split_by_balance(data.amount, balances), strict=True):
        received_for = card.received_for_kpj if card_id == card.living_card_id else data.kpj
        changes.append(
            {
                "card_id": card_id,
                "kind": "growth_credited",
                "ledger_kind": "growth",
                "amount": share,
                "effective_on": date(data.year, 12, 31),
                "year": data.year,
                "received_for_kpj": received_for,
                "source_event": turn.event.id,
                "data": {
                    "amount": share,
                    "year": data.year,
                    "received_for_kpj": received_for,
                    "joined_amount": joined,
                },
            }
        )
    return await change_cards(turn, owner, changes)
