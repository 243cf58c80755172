"""POST /staff/v1/freezes/decide: two people freeze the cards of somebody whose account may be in other hands, or lift that.

For a person who stands at a branch without her phone: found by the identity number on the card in her hand, and nothing of her
is shown. The freeze is that of STOP.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from app.platform.database import Connection
from app.platform.jobs import Doorbell
from app.platform.sealing import read_sealer
from app.platform.sql import statement
from app.settings import Settings
from app.staff.file import Told, ring
from app.staff.member import Member
from app.staff.problems import FreezeChangesNothing, ParticipantUnknown

FREEZE = statement("staff/freeze_cards")


class FreezeDecision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`reason` is what the participant reads: that of the first person counts."""

    nik: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{16}$")]
    act: Literal["freeze", "lift"]
    reason: Annotated[str, msgspec.Meta(min_length=3, max_length=500)]


class FreezeDecisionBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A top-level key of its own: no body of another route fits this one."""

    freeze_decision: FreezeDecision


class Freeze(msgspec.Struct, frozen=True):
    """`state`: proposed, which changes nothing until a second person sends the same by `confirm_until`; or decided."""

    act: Literal["freeze", "lift"]
    state: Literal["proposed", "decided"]
    reason: str
    staff: str
    second_staff: str | None
    confirm_until: datetime


class _Found(msgspec.Struct, frozen=True):
    told: list[Told]
    freeze: Freeze


@post(
    "/staff/v1/freezes/decide",
    status_code=200,
    opt={"problems": (FreezeChangesNothing, ParticipantUnknown), "repeatable": True, "staff": "caseworker"},
    tags=["staff"],
)
async def freeze_cards(
    data: JSONBody[FreezeDecisionBody],
    connection: NamedDependency[Connection],
    doorbell: NamedDependency[Doorbell],
    settings: NamedDependency[Settings],
    member: NamedDependency[Member],
) -> Freeze:
    """Proposes to freeze every card of a participant or to lift that, or confirms a colleague's proposal.

    Frozen, no card is merged and what is agreed to and not done is cancelled. Lifting ends the freeze of STOP as well; a card
    that a dispute holds stays frozen. Sent again by one of the two, it gives the same answer.
    """
    asked = data.freeze_decision
    nik_hash = read_sealer(settings.data_keys).look_up(asked.nik, column="nik")
    found = await connection.fetchval(FREEZE, nik_hash, asked.act, asked.reason, *member.row())
    if found is None:
        raise ParticipantUnknown
    known = msgspec.convert(found, _Found)
    ring(doorbell, known.told)
    return known.freeze
