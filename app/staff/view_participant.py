"""POST /staff/v1/participants/view: what a support code opens that the participant reads out, for 15 minutes.

A try is counted before the code is looked up, in the transaction that answers: nobody learns the result of a guess that was
not counted.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from app.identity.support_code import hash_code
from app.platform.database import Connection
from app.platform.jobs import Doorbell
from app.platform.sealing import read_sealer
from app.platform.sql import statement
from app.settings import Settings
from app.staff.file import Card, Entry, KnownEntry, Merge, Told, ring, show_entries
from app.staff.member import Member
from app.staff.person import KnownPerson, Person, show_person
from app.staff.problems import SupportCodeTriesSpent, SupportCodeUnknown
from app.staff.purpose import Purpose

OPEN = statement("staff/view_participant")


class SupportView(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`support_code` as it was read out: letter case, spaces and hyphens do not matter."""

    support_code: Annotated[str, msgspec.Meta(min_length=1, max_length=30)]
    purpose: Purpose


class SupportViewBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A top-level key of its own: no body of another route fits this one."""

    support_view: SupportView


class CaseOfView(msgspec.Struct, frozen=True):
    id: UUID
    kind: str
    state: str
    opened_at: datetime
    due_at: datetime
    decision: str | None


class View(msgspec.Struct, frozen=True):
    """What staff see until `view_until`; `merges` and `history` are the newest 20, newest first."""

    view_until: datetime
    person: Person
    cards: list[Card]
    merges: list[Merge]
    cases: list[CaseOfView]
    history: list[Entry]


class _KnownView(msgspec.Struct, frozen=True):
    told: list[Told]
    view_until: datetime
    person: KnownPerson
    cards: list[Card]
    merges: list[Merge]
    cases: list[CaseOfView]
    history: list[KnownEntry]


@post(
    "/staff/v1/participants/view",
    status_code=200,
    opt={"problems": (SupportCodeUnknown, SupportCodeTriesSpent), "repeatable": True},
    tags=["staff"],
)
async def view_participant(
    request: Request[Any, Any, Any],
    data: JSONBody[SupportViewBody],
    connection: NamedDependency[Connection],
    doorbell: NamedDependency[Doorbell],
    settings: NamedDependency[Settings],
    member: NamedDependency[Member],
) -> View:
    """The participant behind a support code. The first who uses it has it alone; each view is told to the participant."""
    asked = data.support_view
    code_hash = hash_code(settings.secret, asked.support_code)
    found = await connection.fetchval(OPEN, code_hash, *member.row(), asked.purpose)
    if "again_at" in found:
        raise SupportCodeTriesSpent(again_at=datetime.fromisoformat(found["again_at"]))
    if "tries_left" in found:
        raise SupportCodeUnknown(tries_left=found["tries_left"])
    known = msgspec.convert(found, _KnownView)
    ring(doorbell, known.told)
    return View(
        view_until=known.view_until,
        person=show_person(known.person, "support", read_sealer(settings.data_keys)),
        cards=known.cards,
        merges=known.merges,
        cases=known.cases,
        history=show_entries(known.history, request.headers.get("accept-language", "")),
    )
