"""An heir of somebody who died asks to be recognised, with the code that staff handed out on seeing them and their papers.

No account is opened and nobody signs in: what an heir gets is a case with its clock, and a recorded answer.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.cases.problems import HeirCaseUnknown
from app.identity.branch_code import BranchCodeText, normalise
from app.identity.code_failures import count_failure
from app.platform.database import Connection, new_id
from app.platform.jobs import Doorbell
from app.platform.problems import RequestInvalid
from app.platform.sealing import read_sealer
from app.platform.sql import load
from app.settings import Settings

SQL = load("cases/heirs")


class HeirRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`deceased_nik` is the identity number of who died, under which the branch issued the code; the rest is the heir's."""

    branch_code: BranchCodeText
    deceased_nik: Annotated[str, msgspec.Meta(pattern="^[0-9]{16}$")]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    phone: Annotated[str, msgspec.Meta(pattern=r"^(\+62|0)[0-9 -]{8,18}$")]
    relation: Literal["spouse", "child", "parent", "sibling", "grandchild", "other"]


class HeirCaseOpened(msgspec.Struct, frozen=True):
    """The id is all that is needed to see the case: give it to nobody."""

    case_id: UUID


class HeirCase(msgspec.Struct, frozen=True):
    """The agency answers by `due_at`. `decision`: heir_recognised or heir_refused, with the agency's `reason`."""

    case_id: UUID
    state: str
    opened_at: datetime
    due_at: datetime
    decision: str | None
    reason: str | None
    decided_at: datetime | None


@post("/v1/heirs", status_code=202, opt={"public": True}, tags=["cases"])
async def ask_as_heir(
    data: JSONBody[HeirRequest],
    connection: NamedDependency[Connection],
    doorbell: NamedDependency[Doorbell],
    now: NamedDependency[datetime],
    settings: NamedDependency[Settings],
) -> HeirCaseOpened:
    """Opens a case of 3×24 hours when the code is right.

    The answer is the same for anybody: whether such a person is known, and has died, is nobody's to learn. Whether there is
    a case says `GET /v1/heirs/{case_id}`.
    """
    try:
        code = normalise(data.branch_code)
    except ValueError as error:
        raise RequestInvalid(errors=[{"field": "branch_code", "reason": str(error)}]) from None
    case_id = new_id()
    sealer = read_sealer(settings.data_keys)
    found = await connection.fetchrow(SQL["find_deceased"], sealer.look_up(data.deceased_nik, column="nik"))
    participant_id, lane = (found["participant_id"], found["lane"]) if found else (None, 0)
    phone = sealer.seal(data.phone, column="heir_phone", row=case_id)
    about = (case_id, data.name, phone, data.relation)
    opened = await connection.fetchval(SQL["open"], participant_id, code, *about)
    if participant_id is not None and opened:
        doorbell.ring(participant_id, lane)
    else:
        await count_failure(connection, settings, "branch_code", now)
    return HeirCaseOpened(case_id)


@get("/v1/heirs/{case_id:uuid}", opt={"problems": (HeirCaseUnknown,), "public": True}, tags=["cases"])
async def show_heir_case(case_id: FromPath[UUID], connection: NamedDependency[Connection]) -> HeirCase:
    """The clock of the case and the agency's answer. Errors: 404 `heir_case_unknown`, also when the code was wrong."""
    row = await connection.fetchrow(SQL["show"], case_id)
    if row is None:
        raise HeirCaseUnknown
    return msgspec.convert({"case_id": case_id, **row}, HeirCase)
