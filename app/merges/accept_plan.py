"""What agreeing to a reported merge does: its plan, judged like any merge. Pure."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from uuid import UUID

import msgspec

from app.merges.merge import Card, Judgement, judge, severity
from app.merges.plan import Plan, PlannedCard, make_plan

FINAL = "accept_is_final"


def judge_acceptance(merge_id: UUID, absorbed: Card, into: Card, thawed: Collection[UUID], day: date) -> Judgement:
    """The judgement of a merge of these cards, as if neither the report nor its dispute (`thawed`) held them."""
    first, second = (_set_free(card, merge_id, thawed) for card in (absorbed, into))
    judgement = judge([first], second, day=day, ours=merge_id)
    consequences = sorted({*judgement.consequences, FINAL})
    return msgspec.structs.replace(
        judgement,
        consequences=consequences,
        to_acknowledge=[code for code in consequences if severity(code) == "warning"],
    )


def plan_acceptance(merge_id: UUID, absorbed: Card, into: Card, thawed: Collection[UUID], day: date) -> Plan:
    """The plan for the cards as they stand: at once, and without an undo. The survivor thaws with the dispute."""
    judgement = judge_acceptance(merge_id, absorbed, into, thawed, day)
    plan = make_plan(merge_id, [absorbed], into, judgement, cooling_off_s=0, undo_window_s=0)
    return msgspec.structs.replace(plan, action="accept", cards=[_thaw(card, into, thawed) for card in plan.cards])


def _set_free(card: Card, merge_id: UUID, thawed: Collection[UUID]) -> Card:
    frozen = card.frozen and card.card_id not in thawed
    status = card.lifecycle if card.status == "merged_without_consent" else card.status
    return msgspec.structs.replace(card, status=status, frozen=frozen, open_merge_id=merge_id)


def _thaw(planned: PlannedCard, into: Card, thawed: Collection[UUID]) -> PlannedCard:
    if planned.role == "survivor" and planned.status_after == "frozen" and into.card_id in thawed:
        return msgspec.structs.replace(planned, status_after=into.lifecycle)
    return planned
