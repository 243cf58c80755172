"""A merge as the API shows it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from app.merges.load import Merge
from app.merges.merge import severity, text
from app.merges.plan import Plan
from app.platform.clock import jakarta_day


class Consequence(msgspec.Struct, frozen=True):
    """`severity` is info or warning; a warning must be acknowledged by its code."""

    code: str
    severity: str
    text: str


class PlanShown(Plan, frozen=True):
    """The digest's input field for field, and `texts`, which is not part of the digest."""

    texts: list[Consequence]


class Reported(msgspec.Struct, frozen=True):
    """What the core told of a merge that it did on its own: the day, and by card number the rupiah of the day before."""

    merged_on: date
    balances: dict[str, int]


class MergeShown(msgspec.Struct, frozen=True):
    """`absorb` and `into` are card numbers; instants are UTC; `plan` is null for a merge that the core reported, until
    its acceptance is planned; `closed_because` says what cancelled it when nobody did by hand (card_locked, stopped,
    card_frozen by staff, participant_deceased), or core_refused for one that is undone because the core would not do it;
    `superseded_by` says which merge that the core reported took its place; `reported` is null for all others, and says that no
    consent was on file.
    `waits_for_core_since` is null unless `core` is pending: the core has yet to confirm in its own book what was executed or
    undone, or, of a confirmed merge, has yet to carry it out. `explained_by` names the announcements that explain it.
    """

    id: UUID
    state: str
    core: str | None
    proposed_by: str
    reason: str | None
    absorb: list[str]
    into: str
    plan: PlanShown | None
    plan_digest: str | None
    plan_expires_at: datetime | None
    expires_at: datetime | None
    confirmed_at: datetime | None
    executes_at: datetime | None
    executed_at: datetime | None
    undo_until: datetime | None
    waits_for_core_since: datetime | None
    last_refusal: Any
    closed_because: str | None
    superseded_by: UUID | None
    reported: Reported | None
    explained_by: list[UUID]


def show_plan(plan: Plan, locale: str, now: datetime) -> PlanShown:
    """The plan with its texts, by the wording version that the plan names."""
    members = {name: getattr(plan, name) for name in Plan.__struct_fields__}
    texts = [
        Consequence(code, severity(code), text(code, locale, jakarta_day(now), plan.wording))
        for code in plan.consequences
    ]
    return PlanShown(**members, texts=texts)


def show_merge(merge: Merge, locale: str, now: datetime) -> MergeShown:
    """A merge in the words of `locale`."""
    plan = merge.plan
    return MergeShown(
        id=merge.merge_id,
        state=merge.state,
        core=merge.core,
        proposed_by=merge.proposed_by,
        reason=merge.reason,
        absorb=merge.absorb_kpj,
        into=merge.into_kpj,
        plan=show_plan(plan, locale, now) if plan else None,
        plan_digest=merge.plan_digest,
        plan_expires_at=merge.plan_expires_at,
        expires_at=merge.expires_at,
        confirmed_at=merge.confirmed_at,
        executes_at=merge.executes_at,
        executed_at=merge.executed_at,
        undo_until=merge.undo_until,
        waits_for_core_since=merge.waits_for_core_since,
        last_refusal=merge.last_refusal,
        closed_because=merge.closed_because,
        superseded_by=merge.superseded_by,
        reported=msgspec.convert(merge.reported, Reported) if merge.reported else None,
        explained_by=merge.explained_by,
    )
