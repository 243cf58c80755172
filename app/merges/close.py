"""Declining a proposal, and cancelling one or a confirmed merge: one tap, until its execution commits."""

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
from app.merges.problems import (
    MergeAlreadyConfirmed,
    MergeAlreadyExecuted,
    MergeClosed,
    MergeExpired,
    MergeSuperseded,
    MergeUnknown,
)
from app.merges.propose import WRITE
from app.merges.state import refuse_closed, refuse_unless_proposed
from app.platform.database import Connection
from app.platform.jobs import Doorbell


class Closing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reason: Annotated[str, msgspec.Meta(max_length=500)] | None = None


@post(
    "/v1/merges/{merge_id:uuid}/decline",
    status_code=200,
    opt={
        "problems": (
            MergeAlreadyConfirmed,
            MergeAlreadyExecuted,
            MergeClosed,
            MergeExpired,
            MergeSuperseded,
            MergeUnknown,
        )
    },
    tags=["merges"],
)
async def decline(
    merge_id: FromPath[UUID],
    data: JSONBody[Closing],
    connection: NamedDependency[Connection],
    now: NamedDependency[datetime],
    doorbell: NamedDependency[Doorbell],
    who: NamedDependency[SignedIn],
) -> MergeShown:
    """Says no to a proposal. Nothing was changed by it, and nothing will be."""
    await lock_cards(connection, who.participant_id)
    refuse_unless_proposed(await read_merge(connection, who.participant_id, merge_id), now)
    return await _close(connection, who, merge_id, "declined", data.reason, doorbell, now)


@post(
    "/v1/merges/{merge_id:uuid}/cancel",
    status_code=200,
    opt={"problems": (MergeAlreadyExecuted, MergeClosed, MergeExpired, MergeSuperseded, MergeUnknown)},
    tags=["merges"],
)
async def cancel(
    merge_id: FromPath[UUID],
    data: JSONBody[Closing],
    connection: NamedDependency[Connection],
    now: NamedDependency[datetime],
    doorbell: NamedDependency[Doorbell],
    who: NamedDependency[SignedIn],
) -> MergeShown:
    """Cancels a proposal or a confirmed merge. Succeeds until the execution commits."""
    await lock_cards(connection, who.participant_id)
    merge = await read_merge(connection, who.participant_id, merge_id)
    if merge.state not in ("proposed", "confirmed"):
        refuse_closed(merge)
    return await _close(connection, who, merge_id, "cancelled", data.reason, doorbell, now)


async def _close(
    connection: Connection,
    who: SignedIn,
    merge_id: UUID,
    state: str,
    reason: str | None,
    doorbell: Doorbell,
    now: datetime,
) -> MergeShown:
    actor = str(who.key_id)
    cause_id = await connection.fetchval(WRITE["cause"], who.participant_id, "participant", actor, reason, merge_id)
    await connection.execute(WRITE["close"], who.participant_id, merge_id, state, now, cause_id)
    doorbell.ring(who.participant_id, who.lane)
    return show_merge(await read_merge(connection, who.participant_id, merge_id), who.locale, now)
