"""POST /staff/v1/cases/read: a case with what is needed to decide it. The look is told to everybody in it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from app.documents.document import Document
from app.platform.database import Connection
from app.platform.jobs import Doorbell
from app.platform.sealing import Sealer, read_sealer
from app.platform.sql import statement
from app.settings import Settings
from app.staff.file import Card, Entry, KnownEntry, Merge, Told, ring, show_entries
from app.staff.member import Member
from app.staff.person import KnownPerson, Person, show_person
from app.staff.problems import CaseUnknown, PurposeUnfit
from app.staff.purpose import Purpose

READ = statement("staff/read_case")


class CaseRead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    case_id: UUID
    purpose: Purpose


class CaseReadBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A top-level key of its own: no body of another route fits this one."""

    case_read: CaseRead


class Correction(msgspec.Struct, frozen=True):
    """What the participant says is wrong, and what it should be."""

    field: str
    wanted: str


class Case(msgspec.Struct, frozen=True):
    """`statement` is the participant's, `reason` the agency's."""

    id: UUID
    kind: str
    state: str
    statement: str | None
    figures: dict[str, Any] | None
    correction: Correction | None
    opened_at: datetime
    due_at: datetime
    decision: str | None
    reason: str | None
    decided_at: datetime | None


class Proposal(msgspec.Struct, frozen=True):
    """What one member of staff would decide; it counts once a second one agrees."""

    decision: str
    reason: str
    staff: str
    proposed_at: datetime


class Match(msgspec.Struct, frozen=True):
    """The card that the participant says is theirs, and under whom it stands; `rule` is what made it be suggested."""

    rule: str
    rules_version: str
    found_at: datetime
    registered: Person
    card: Card


class CaseFile(msgspec.Struct, frozen=True):
    """`cards` are those that the case is about, or all; `history` their newest 20 entries, newest first."""

    case: Case
    proposal: Proposal | None
    person: Person
    cards: list[Card]
    merge: Merge | None
    match: Match | None
    documents: list[Document]
    history: list[Entry]


class _KnownMatch(msgspec.Struct, frozen=True):
    rule: str
    rules_version: str
    found_at: datetime
    registered: KnownPerson
    card: Card


class _KnownFile(msgspec.Struct, frozen=True):
    told: list[Told]
    case: Case
    proposal: Proposal | None
    person: KnownPerson
    cards: list[Card]
    merge: Merge | None
    match: _KnownMatch | None
    documents: list[Document]
    history: list[KnownEntry]


@post(
    "/staff/v1/cases/read",
    status_code=200,
    opt={"problems": (CaseUnknown, PurposeUnfit), "repeatable": True},
    tags=["staff"],
)
async def read_case(
    request: Request[Any, Any, Any],
    data: JSONBody[CaseReadBody],
    connection: NamedDependency[Connection],
    doorbell: NamedDependency[Doorbell],
    member: NamedDependency[Member],
    settings: NamedDependency[Settings],
) -> CaseFile:
    """The whole case. Its participant, and whoever the claimed card stands under, find the look in their access log."""
    asked = data.case_read
    found = await connection.fetchval(READ, asked.case_id, *member.row(), asked.purpose)
    if found is None:
        raise CaseUnknown
    sealer = read_sealer(settings.data_keys)
    _open_correction(found["case"], sealer)
    known = msgspec.convert(found, _KnownFile)
    ring(doorbell, known.told)
    return CaseFile(
        case=known.case,
        proposal=known.proposal,
        person=show_person(known.person, known.case.kind, sealer),
        cards=known.cards,
        merge=known.merge,
        match=_show_match(known.match, known.case.kind, sealer) if known.match else None,
        documents=known.documents,
        history=show_entries(known.history, request.headers.get("accept-language", "")),
    )


def _show_match(match: _KnownMatch, kind: str, sealer: Sealer) -> Match:
    registered = show_person(match.registered, kind, sealer)
    return Match(match.rule, match.rules_version, match.found_at, registered=registered, card=match.card)


def _open_correction(case: dict[str, Any], sealer: Sealer) -> None:
    """What is wanted, as staff hold it against the papers."""
    if correction := case["correction"]:
        sealed = bytes.fromhex(correction["wanted_sealed"])
        correction["wanted"] = sealer.open(sealed, column="correction", row=case["id"])
