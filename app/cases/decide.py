"""The agency's decision about a case, as the database takes it: once, by name, and what moves money by four eyes."""

from __future__ import annotations

from uuid import UUID

import msgspec

from app.platform.database import Connection
from app.platform.sealing import Sealer
from app.platform.sql import load

SQL = load("cases/decide")
DECIDES = {
    "dispute": "decide",
    "core_refusal": "decide_refusal",
    "balance": "decide_balance",
    "correction": "decide_correction",
    "unreached": "decide_unreached",
}

DECISIONS: dict[str, tuple[str, ...]] = {
    "dispute": ("restored", "accepted"),
    "match": ("linked", "refused"),
    "core_refusal": ("acknowledged", "reversed", "settled"),
    "balance": ("ours", "theirs_corrected"),
    "heir": ("heir_recognised", "heir_refused"),
    "correction": ("corrected", "refused"),
    "unreached": ("reached", "not_reached"),
}
"""What each kind of case is decided as."""
BY_EVENT_ONLY = ("reversed", "heir_recognised", "heir_refused")
"""Decisions that come with more than a reason, by the core's event: a plan that is made anew, or an heir's papers."""
ALONE = ("accepted", "refused", "acknowledged", "ours", "reached", "not_reached")
"""Decisions that give nothing away; the others are taken by two people."""


class FoundCase(msgspec.Struct, frozen=True):
    """A case by its id alone, as the agency names it; `kpjs` are the cards that it is about."""

    participant_id: UUID
    nik: str
    lane: int
    kind: str
    merge_id: UUID | None
    state: str
    kpjs: list[str]


class Decision(msgspec.Struct, frozen=True):
    """`decision` is one that fits the kind of the case; `staff` and `second_staff` are who decided, by their OIDC subjects."""

    decision: str
    reason: str
    staff: str
    second_staff: str | None


async def find_case(connection: Connection, case_id: UUID, sealer: Sealer) -> FoundCase | None:
    """None when there is no such case."""
    row = await connection.fetchrow(SQL["find"], case_id)
    if row is None:
        return None
    found = dict(row)
    found["nik"] = sealer.open(found.pop("nik_sealed"), column="nik", row=found["participant_id"])
    return msgspec.convert(found, FoundCase)


async def decide_case(
    connection: Connection, case: FoundCase, case_id: UUID, decision: Decision, cause_id: UUID
) -> None:
    """Writes the decision and all that follows from it. The participant must be locked, the cause recorded.

    Raises asyncpg.CheckViolationError under the name case_is_open, case_is_restored_by_four_eyes or four_eyes_are_two_people;
    comparison_agrees when the events that make a balance theirs have not come.
    """
    await connection.execute(
        SQL[DECIDES[case.kind]],
        case.participant_id,
        case_id,
        cause_id,
        decision.decision,
        decision.reason,
        decision.staff,
        decision.second_staff,
    )


async def decide_heir_case(
    connection: Connection,
    case: FoundCase,
    case_id: UUID,
    decision: Decision,
    papers: list[dict[str, str]],
    cause_id: UUID,
) -> None:
    """Records whether somebody is an heir, by which papers. The participant must be locked, the cause recorded.

    Raises asyncpg.CheckViolationError under the name case_is_open, case_is_restored_by_four_eyes, four_eyes_are_two_people
    or heir_is_recognised_by_papers.
    """
    await connection.execute(
        SQL["decide_heir"],
        case.participant_id,
        case_id,
        cause_id,
        decision.decision,
        decision.reason,
        decision.staff,
        decision.second_staff,
        papers,
    )
