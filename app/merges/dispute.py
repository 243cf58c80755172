"""POST /v1/merges/{id}/dispute: one tap says no to a merge that the core did on its own."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.identity.session import SignedIn
from app.merges.load import lock_cards, read_merge
from app.merges.present import MergeShown, show_merge
from app.merges.problems import MergeAlreadyAccepted, MergeAlreadyDisputed, MergeNotReported, MergeUnknown
from app.merges.state import refuse_unless_reported
from app.platform.database import Connection, new_id
from app.platform.jobs import Doorbell
from app.platform.sql import load

DISPUTE = load("merges/dispute")


class Dispute(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`statement`: what the participant has to say about it, if anything."""

    statement: Annotated[str, msgspec.Meta(max_length=2000)] | None = None


@post(
    "/v1/merges/{merge_id:uuid}/dispute",
    status_code=200,
    opt={"problems": (MergeAlreadyAccepted, MergeAlreadyDisputed, MergeNotReported, MergeUnknown)},
    tags=["merges"],
)
async def dispute(
    merge_id: FromPath[UUID],
    data: JSONBody[Dispute],
    connection: NamedDependency[Connection],
    now: NamedDependency[datetime],
    doorbell: NamedDependency[Doorbell],
    who: NamedDependency[SignedIn],
) -> MergeShown:
    """Disputes a reported merge: its cards are frozen, and a case opens that the agency answers within 3×24 hours.

    The case is in GET /v1/cases. An acceptance that was confirmed but not yet carried out falls with the dispute.
    """
    await lock_cards(connection, who.participant_id)
    merge = await read_merge(connection, who.participant_id, merge_id)
    refuse_unless_reported(merge)
    if merge.state == "disputed":
        case_id = await connection.fetchval(DISPUTE["open_case"], who.participant_id, merge_id)
        raise MergeAlreadyDisputed(case_id=case_id)
    await connection.execute(
        DISPUTE["dispute"], who.participant_id, merge_id, new_id(), str(who.key_id), data.statement
    )
    doorbell.ring(who.participant_id, who.lane)
    return show_merge(await read_merge(connection, who.participant_id, merge_id), who.locale, now)
