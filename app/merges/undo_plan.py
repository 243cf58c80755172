"""The plan of an undo: what each card gets back, and by which rule each rupiah goes where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from app.merges.lineage import Entry, Lineage, Split, money_left, split
from app.merges.load import Merge
from app.merges.merge import WORDING, Card, severity
from app.merges.plan import Plan, PlannedCard, canonical, digest
from app.merges.propose import WRITE
from app.merges.undo_problems import UndoMoneyLeft
from app.merges.undo_seal import SQL
from app.platform.clock import jakarta_day
from app.platform.database import Connection
from app.settings import Settings


class Undo(msgspec.Struct, frozen=True):
    """An undo as it would be now. `splits` hold every entry since the merge, those that stay included."""

    plan: Plan
    splits: list[Split]


async def plan_undo(
    connection: Connection, participant_id: UUID, merge: Merge, absorbed: Sequence[Card], survivor: Card
) -> Undo:
    """The undo of an executed merge, for the cards and the money as they stand. Raises UndoMoneyLeft, with figures."""
    entries = [
        msgspec.convert(dict(row), Entry)
        for row in await connection.fetch(SQL["entries"], participant_id, merge.merge_id)
    ]
    refuse_money_left(entries, survivor)
    rows = await connection.fetch(SQL["lineages"], participant_id, merge.merge_id)
    lineages = {
        card.kpj: Lineage(
            card.kpj,
            numbers=frozenset(row["kpj"] for row in rows if row["lineage"] == card.kpj),
            employers=frozenset(
                row["employer_id"] for row in rows if row["lineage"] == card.kpj and row["employer_id"]
            ),
        )
        for card in (*absorbed, survivor)
    }
    splits = split(
        entries,
        [lineages[card.kpj] for card in absorbed],
        lineages[survivor.kpj],
        held=(survivor.balance or 0) - sum(entry.amount for entry in entries),
        executed_on=jakarta_day(_executed_at(merge)),
    )
    return Undo(make_undo_plan(merge.merge_id, absorbed, survivor, splits), splits)


def make_undo_plan(merge_id: UUID, absorbed: Sequence[Card], survivor: Card, splits: Sequence[Split]) -> Plan:
    """The plan that the participant agrees to. It has no cooling-off, and no undo of its own. Pure."""
    back = {card.kpj: sum(part.amount for part in splits if part.to_kpj == card.kpj) for card in absorbed}
    total = (survivor.balance or 0) + sum(card.balance or 0 for card in absorbed)
    cards = [
        PlannedCard(card.kpj, "absorbed", card.status, card.lifecycle, card.balance or 0, back[card.kpj])
        for card in absorbed
    ]
    kept = total - sum(back.values())
    cards.append(PlannedCard(survivor.kpj, "survivor", survivor.status, survivor.status, survivor.balance or 0, kept))
    consequences = ["cards_come_back", "contributions_go_apart"]
    if any(part.rule == "day_balance" for part in splits):
        consequences.append("growth_is_shared")
    return Plan(
        version=1,
        action="undo",
        merge_id=merge_id,
        cards=sorted(cards, key=lambda card: card.kpj),
        total_before=total,
        total_after=total,
        consequences=consequences,
        to_acknowledge=[code for code in consequences if severity(code) == "warning"],
        cooling_off_s=0,
        undo_window_s=0,
        wording=WORDING,
    )


def refuse_money_left(entries: Sequence[Entry], survivor: Card) -> None:
    """Raises UndoMoneyLeft when money that may be of any lineage is gone: whose it was nobody can say any more. Pure."""
    left = money_left(entries)
    if left:
        raise UndoMoneyLeft(
            figures={
                "kpj": survivor.kpj,
                "balance": survivor.balance,
                "left": -sum(entry.amount for entry in left),
                "entries": [
                    {name: getattr(entry, name) for name in ("entry_id", "kind", "amount", "effective_on")}
                    for entry in left
                ],
            }
        )


async def keep_undo_plan(
    connection: Connection, participant_id: UUID, plan: Plan, settings: Settings, now: datetime
) -> datetime:
    """Keeps the plan as the one to be confirmed, and returns until when it is good."""
    shown = canonical(plan)
    until = now + timedelta(seconds=settings.plan_ttl_s)
    await connection.execute(WRITE["keep_plan"], participant_id, plan.merge_id, digest(shown), shown, now)
    await connection.execute(SQL["show_plan"], participant_id, plan.merge_id, digest(shown), until)
    return until


def list_leaving(splits: Sequence[Split], card_ids: Mapping[str, UUID]) -> list[dict[str, str | int]]:
    """The splits that leave the survivor, as the database's function takes them; `card_ids` of the absorbed. Pure."""
    return [
        {
            "entry_id": str(part.entry_id),
            "to_card": str(card_ids[part.to_kpj]),
            "amount": part.amount,
            "rule": part.rule,
        }
        for part in splits
        if part.to_kpj in card_ids
    ]


def _executed_at(merge: Merge) -> datetime:
    if merge.executed_at is None:
        raise ValueError("only an executed merge can be planned back")
    return merge.executed_at
