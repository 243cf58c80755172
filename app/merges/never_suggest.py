"""POST /v1/merges/{id}/never-suggest: do not offer me these cards again, whichever of them would stay.

Options recommend no set with such a pair in it, and the database refuses the agency's proposals of one. The participant may
still propose it: only being asked again ends.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.identity.session import SignedIn
from app.merges.load import lock_cards, read_merge
from app.merges.present import MergeShown, show_merge
from app.merges.problems import MergeAlreadyConfirmed, MergeAlreadyExecuted, MergeClosed, MergeUnknown
from app.merges.propose import WRITE
from app.merges.state import refuse_closed
from app.platform.database import Connection
from app.platform.jobs import Doorbell
from app.platform.sql import statement

REMEMBER = statement("merges/never_suggest", "remember")


class NeverSuggest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to say beyond the merge itself."""


@post(
    "/v1/merges/{merge_id:uuid}/never-suggest",
    status_code=200,
    opt={"problems": (MergeAlreadyConfirmed, MergeAlreadyExecuted, MergeClosed, MergeUnknown)},
    tags=["merges"],
)
async def never_suggest(
    merge_id: FromPath[UUID],
    data: JSONBody[NeverSuggest],  # noqa: ARG001
    connection: NamedDependency[Connection],
    now: NamedDependency[datetime],
    doorbell: NamedDependency[Doorbell],
    who: NamedDependency[SignedIn],
) -> MergeShown:
    """Declines the proposal if it is open, and remembers its pairs. Asked again it changes nothing.

    Refused for a merge that is confirmed (cancel it first) or carried out.
    """
    await lock_cards(connection, who.participant_id)
    merge = await read_merge(connection, who.participant_id, merge_id)
    if merge.state == "confirmed":
        raise MergeAlreadyConfirmed(merge_id=merge.merge_id, executes_at=merge.executes_at)
    if merge.state in ("executed", "accepted"):
        refuse_closed(merge)
    if merge.state == "proposed":
        actor = str(who.key_id)
        cause_id = await connection.fetchval(WRITE["cause"], who.participant_id, "participant", actor, None, merge_id)
        await connection.execute(WRITE["close"], who.participant_id, merge_id, "declined", now, cause_id)
    await connection.fetchval(REMEMBER, who.participant_id, merge_id, who.key_id)
    doorbell.ring(who.participant_id, who.lane)
    return show_merge(await read_merge(connection, who.participant_id, merge_id), who.locale, now)
