"""POST /staff/v1/cases/decide: a case is decided by two people; by one supervisor where nothing is given away.

The first decision is a proposal. A second person, by another subject of the same identity provider, confirms it by sending
the same decision; only then is anything done, and with the reason of the first.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from app.cases.decide import ALONE, BY_EVENT_ONLY, DECISIONS
from app.platform.database import Connection
from app.platform.jobs import Doorbell
from app.platform.sql import load
from app.staff.file import Told, ring
from app.staff.member import Member
from app.staff.problems import (
    BalanceStillDiffers,
    CardNotFree,
    CaseDecidedAlready,
    CaseUnknown,
    DecisionDiffers,
    DecisionUnfit,
    SecondPersonNeeded,
)

SQL = load("staff/decide_case")


class CaseDecision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`reason` is what the participant reads: that of the first person counts. The purpose is the case's own."""

    case_id: UUID
    decision: Literal[
        "restored",
        "accepted",
        "linked",
        "refused",
        "acknowledged",
        "settled",
        "ours",
        "theirs_corrected",
        "corrected",
        "reached",
        "not_reached",
    ]
    reason: Annotated[str, msgspec.Meta(min_length=3, max_length=500)]


class CaseDecisionBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A top-level key of its own: no body of another route fits this one."""

    case_decision: CaseDecision


class Decided(msgspec.Struct, frozen=True):
    """`state`: proposed, which changes nothing until a second person sends the same decision; or decided."""

    case_id: UUID
    state: Literal["proposed", "decided"]
    decision: str
    staff: str
    second_staff: str | None


class _Proposal(msgspec.Struct, frozen=True):
    decision: str
    issuer: str
    staff: str
    staff_role: str


class _Standing(msgspec.Struct, frozen=True):
    kind: str
    state: str
    decision: str | None
    staff: str | None
    second_staff: str | None
    decided_at: datetime | None
    proposal: _Proposal | None


@post(
    "/staff/v1/cases/decide",
    status_code=200,
    opt={
        "problems": (
            BalanceStillDiffers,
            CardNotFree,
            CaseDecidedAlready,
            CaseUnknown,
            DecisionDiffers,
            DecisionUnfit,
            SecondPersonNeeded,
        ),
        "repeatable": True,
        "staff": "caseworker",
    },
    tags=["staff"],
)
async def decide_case(
    data: JSONBody[CaseDecisionBody],
    connection: NamedDependency[Connection],
    doorbell: NamedDependency[Doorbell],
    member: NamedDependency[Member],
) -> Decided:
    """Proposes a decision, or confirms a colleague's. Sent again by the same person, it gives the same answer."""
    asked = data.case_decision
    standing = await _lock(connection, asked)
    if standing.state == "decided":
        return _answer_again(asked, standing, member)
    proposal = standing.proposal
    if proposal is None or _replaces(proposal, asked, member):
        return await _propose(connection, doorbell, asked, member)
    if proposal.decision != asked.decision:
        raise DecisionDiffers(decision=proposal.decision)
    if member.is_behind(proposal.issuer, proposal.staff):
        return Decided(asked.case_id, "proposed", proposal.decision, proposal.staff, None)
    if proposal.issuer != member.issuer:
        raise SecondPersonNeeded
    told = await connection.fetchval(SQL["confirm"], asked.case_id, asked.decision, *member.row())
    ring(doorbell, msgspec.convert(told, list[Told]))
    return Decided(asked.case_id, "decided", asked.decision, proposal.staff, member.subject)


async def _lock(connection: Connection, asked: CaseDecision) -> _Standing:
    found = await connection.fetchval(SQL["lock"], asked.case_id)
    if found is None:
        raise CaseUnknown
    standing = msgspec.convert(found, _Standing)
    fitting = [decision for decision in DECISIONS.get(standing.kind, ()) if decision not in BY_EVENT_ONLY]
    if asked.decision not in fitting:
        raise DecisionUnfit(kind=standing.kind, decisions=", ".join(fitting) or "-")
    return standing


def _answer_again(asked: CaseDecision, standing: _Standing, member: Member) -> Decided:
    """The answer that was lost on its way, for one of the two who decided."""
    by = [name.lower() for name in (standing.staff, standing.second_staff) if name]
    if standing.decision != asked.decision or member.subject.lower() not in by:
        raise CaseDecidedAlready
    return Decided(asked.case_id, "decided", asked.decision, str(standing.staff), standing.second_staff)


def _replaces(proposal: _Proposal, asked: CaseDecision, member: Member) -> bool:
    """Whether this decision takes the place of the one that waits: one's own, or a colleague's by a supervisor."""
    if proposal.decision == asked.decision:
        return False
    return member.is_behind(proposal.issuer, proposal.staff) or member.role == "supervisor"


async def _propose(connection: Connection, doorbell: Doorbell, asked: CaseDecision, member: Member) -> Decided:
    told = await connection.fetchval(SQL["propose"], asked.case_id, asked.decision, asked.reason, *member.row())
    ring(doorbell, msgspec.convert(told, list[Told]))
    if member.role != "supervisor" or asked.decision not in ALONE:
        return Decided(asked.case_id, "proposed", asked.decision, member.subject, None)
    await connection.fetchval(SQL["decide_alone"], asked.case_id, asked.decision)
    return Decided(asked.case_id, "decided", asked.decision, member.subject, None)
