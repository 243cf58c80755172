"""POST /v1/me/corrections: what is on file about me is wrong. A case of 3×24 hours, which the agency decides.

Nothing changes by asking, and nothing by the decision: the agency corrects it in its core, and that tells us.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter

from app.cases.problems import CorrectionOpen
from app.cases.show import Case, Cases, read_page, show_case
from app.identity.session import SignedIn
from app.platform.database import Connection, new_id
from app.platform.jobs import Doorbell
from app.platform.sealing import read_sealer
from app.platform.sql import statement
from app.settings import Settings

ASK = statement("cases/correct", "ask")


class CorrectionRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`wanted` is what it should be; `statement` says why, and which papers show it."""

    field: Literal["name", "birth_date", "nik", "phone", "email", "other"]
    wanted: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    statement: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)] | None = None


@post("/v1/me/corrections", status_code=201, opt={"problems": (CorrectionOpen,)}, tags=["cases"])
async def ask_correction(
    data: JSONBody[CorrectionRequest],
    connection: NamedDependency[Connection],
    who: NamedDependency[SignedIn],
    doorbell: NamedDependency[Doorbell],
    settings: NamedDependency[Settings],
) -> Case:
    """Opens the case, and answers with it. Error: 409 `correction_open` while one about the same is undecided.

    A phone or an e-mail address of one's own is changed at once by `PUT /v1/me/contact`. An identity number is never changed
    here: the decision is recorded, and a card under the wrong number is claimed as a possible match.
    """
    sealer = read_sealer(settings.data_keys)
    case_id = new_id()
    wanted = sealer.seal(data.wanted, column="correction", row=case_id)
    await connection.execute(ASK, who.participant_id, case_id, who.key_id, data.field, wanted, data.statement)
    doorbell.ring(who.participant_id, who.lane)
    return await show_case(connection, who.participant_id, case_id, sealer)


@get("/v1/me/corrections", tags=["cases"])
async def list_corrections(
    connection: NamedDependency[Connection],
    who: NamedDependency[SignedIn],
    settings: NamedDependency[Settings],
    cursor: Annotated[str | None, QueryParameter(max_length=100)] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=100)] = 50,
) -> Cases:
    """The corrections that I asked for, newest first; they stand among `GET /v1/cases` too."""
    sealer = read_sealer(settings.data_keys)
    return await read_page(connection, who.participant_id, sealer, kind="correction", cursor=cursor, limit=limit)
