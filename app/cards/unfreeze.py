"""POST /v1/cards/unfreeze: lifts the freeze that STOP brought, from a phone that was there long before.

The phone that made somebody press STOP is the newest one: a key must be older than the hold of new keys, and on no hold
itself. Whoever has none goes to a branch.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from app.cards.card import Card, from_row
from app.cards.lock import Unlocking, prove_unlock
from app.cards.overview import OVERVIEW
from app.identity.problems import ChallengeExpired, ChallengeSpent, HoldInForce, ProofInvalid
from app.identity.proofs import check_hold
from app.identity.session import SignedIn
from app.identity.statements import decode_nonce
from app.platform.database import Connection
from app.platform.jobs import Doorbell
from app.platform.sql import load
from app.settings import Settings

SQL = load("cards/unfreeze")


class Unfrozen(msgspec.Struct, frozen=True):
    """Every card, as it stands now. One that a dispute holds stays frozen until its case is decided."""

    cards: list[Card]


@post(
    "/v1/cards/unfreeze",
    status_code=200,
    opt={"problems": (ChallengeExpired, ChallengeSpent, HoldInForce, ProofInvalid)},
    tags=["cards"],
)
async def unfreeze(
    data: JSONBody[Unlocking],
    connection: NamedDependency[Connection],
    now: NamedDependency[datetime],
    doorbell: NamedDependency[Doorbell],
    who: NamedDependency[SignedIn],
    settings: NamedDependency[Settings],
) -> Unfrozen:
    """Lifts the freeze of STOP from all my cards, proved over an `unlock` statement whose subject is me.

    `subject_id` is the `participant_id` of `GET /v1/me`. Refused (403 `hold_in_force {until}`) with a key that is younger
    than 72 hours or on hold. When nothing was frozen, nothing changes. Cancelled merges stay cancelled.
    """
    key, signed = await prove_unlock(connection, who, who.participant_id, data, now)
    check_hold(key, now)
    added_at = await connection.fetchval(SQL["added_at"], who.participant_id, key.device_id)
    old_enough_at = added_at + timedelta(seconds=settings.key_hold_s)
    if now < old_enough_at:
        raise HoldInForce(until=old_enough_at)
    await connection.fetchval(
        SQL["lift_stop"],
        who.participant_id,
        key.device_id,
        decode_nonce(data.nonce),
        signed,
        msgspec.to_builtins(data.proof),
    )
    doorbell.ring(who.participant_id, who.lane)
    rows = await connection.fetch(OVERVIEW, who.participant_id)
    return Unfrozen(cards=[from_row(row) for row in rows if row["card_id"] is not None])
