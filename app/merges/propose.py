"""POST /v1/merges: a proposal with its plan. Nothing happens to any card."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from app.cards.problems import CardUnknown
from app.cards.show import Kpj
from app.identity.session import SignedIn
from app.merges.load import lock_cards, read_merge
from app.merges.merge import judge
from app.merges.options import Absorb
from app.merges.plan import canonical, digest, make_plan
from app.merges.present import MergeShown, show_merge
from app.merges.problems import CardFrozen, CardLocked, ClaimPending, MergeAlreadyOpen, MergeNotAllowed
from app.merges.select import refuse_unless_allowed, select_cards
from app.platform.clock import jakarta_day
from app.platform.database import Connection, new_id
from app.platform.jobs import Doorbell
from app.platform.sql import load
from app.settings import Settings

WRITE = load("merges/write")


class MergeProposal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    absorb: Absorb
    into: Kpj


@post(
    "/v1/merges",
    status_code=201,
    opt={"problems": (CardFrozen, CardLocked, CardUnknown, ClaimPending, MergeAlreadyOpen, MergeNotAllowed)},
    tags=["merges"],
)
async def propose_mine(
    data: JSONBody[MergeProposal],
    connection: NamedDependency[Connection],
    now: NamedDependency[datetime],
    doorbell: NamedDependency[Doorbell],
    who: NamedDependency[SignedIn],
    settings: NamedDependency[Settings],
) -> MergeShown:
    """Proposes to merge `absorb` into `into`. It waits for a confirmation over its exact plan."""
    merge_id = new_id()
    actor = str(who.key_id)
    cause_id = await connection.fetchval(WRITE["cause"], who.participant_id, "participant", actor, None, merge_id)
    await propose(
        connection,
        participant_id=who.participant_id,
        merge_id=merge_id,
        absorb=data.absorb,
        into=data.into,
        proposed_by="participant",
        reason=None,
        cause_id=cause_id,
        settings=settings,
        now=now,
    )
    doorbell.ring(who.participant_id, who.lane)
    return show_merge(await read_merge(connection, who.participant_id, merge_id), who.locale, now)


async def propose(
    connection: Connection,
    *,
    participant_id: UUID,
    merge_id: UUID,
    absorb: Sequence[str],
    into: str,
    proposed_by: str,
    reason: str | None,
    cause_id: UUID,
    settings: Settings,
    now: datetime,
) -> None:
    """Writes a proposal of the participant or of the agency, and its plan.

    Raises CardUnknown, MergeAlreadyOpen, ClaimPending, CardLocked, CardFrozen, MergeNotAllowed.
    """
    cards = await lock_cards(connection, participant_id)
    absorbed, survivor = select_cards(cards, absorb, into)
    judgement = judge(absorbed, survivor, day=jakarta_day(now))
    refuse_unless_allowed(judgement, [*absorbed, survivor])
    plan = canonical(
        make_plan(
            merge_id,
            absorbed,
            survivor,
            judgement,
            cooling_off_s=settings.merge_cooling_off_s,
            undo_window_s=settings.merge_undo_window_s,
        )
    )
    await connection.execute(WRITE["register"], merge_id, participant_id)
    await connection.execute(
        WRITE["propose"],
        participant_id,
        merge_id,
        proposed_by,
        reason,
        [card.card_id for card in absorbed],
        survivor.card_id,
        digest(plan),
        now + timedelta(seconds=settings.plan_ttl_s),
        now,
        now + timedelta(seconds=settings.merge_proposal_ttl_s),
        cause_id,
    )
    await connection.execute(WRITE["keep_plan"], participant_id, merge_id, digest(plan), plan, now)
