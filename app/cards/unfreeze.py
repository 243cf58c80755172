"""POST /v1/cards/unfreeze: lifts the freeze that STOP brought, by a key that was there long before.

The phone that made somebody press STOP is the newest one: a key must be older than the hold of new keys, and on no hold
itself. Whoever has none goes to a branch, and lifts it with the code that staff hand out to the person they saw.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from app.cards.card import Card, from_row
from app.cards.lock import Unlocking, prove_unlock
from app.cards.overview import OVERVIEW
from app.identity.branch_code import BranchCodeText, normalise
from app.identity.code_failures import BRANCH_TRIES_PER_DAY, count_branch_try, count_failure
from app.identity.problems import BranchCodeInvalid, ChallengeExpired, ChallengeSpent, HoldInForce, ProofInvalid
from app.identity.proofs import Key, check_hold
from app.identity.session import SignedIn
from app.identity.statements import decode_nonce
from app.platform.database import Connection
from app.platform.jobs import Doorbell
from app.platform.problems import RequestInvalid
from app.platform.sql import load
from app.settings import Settings

SQL = load("cards/unfreeze")


class Unfreezing(Unlocking, frozen=True, forbid_unknown_fields=True):
    """`branch_code` takes the place of an old key; the proof is needed all the same."""

    branch_code: BranchCodeText | None = None


class Unfrozen(msgspec.Struct, frozen=True):
    """Every card, as it stands now. One that a dispute holds stays frozen until its case is decided."""

    cards: list[Card]


@post(
    "/v1/cards/unfreeze",
    status_code=200,
    opt={"problems": (BranchCodeInvalid, ChallengeExpired, ChallengeSpent, HoldInForce, ProofInvalid)},
    tags=["cards"],
)
async def unfreeze(
    data: JSONBody[Unfreezing],
    connection: NamedDependency[Connection],
    now: NamedDependency[datetime],
    doorbell: NamedDependency[Doorbell],
    who: NamedDependency[SignedIn],
    settings: NamedDependency[Settings],
) -> Unfrozen:
    """Lifts the freeze of STOP from all my cards, proved over an `unlock` statement whose subject is me.

    `subject_id` is the `participant_id` of `GET /v1/me`. Refused (403 `hold_in_force {until}`) with a key that is younger
    than 72 hours or on hold, unless a branch code comes with it (422 `branch_code_invalid {tries_left}`: ten tries a day
    from each phone). When nothing was frozen, nothing changes and no code is used up. Cancelled merges stay cancelled.
    """
    code = _read_branch_code(data)
    key, signed = await prove_unlock(connection, who, who.participant_id, data, settings, now)
    proven = (who.participant_id, key.key_id, decode_nonce(data.nonce), signed, key.evidence)
    if code is not None:
        await _lift_at_branch(connection, who, code, proven, settings, now)
    else:
        _check_age(key, settings, now)
        await connection.fetchval(SQL["lift_stop"], *proven)
    doorbell.ring(who.participant_id, who.lane)
    rows = await connection.fetch(OVERVIEW, who.participant_id)
    return Unfrozen(cards=[from_row(row) for row in rows if row["card_id"] is not None])


def _read_branch_code(data: Unfreezing) -> str | None:
    try:
        return normalise(data.branch_code) if data.branch_code is not None else None
    except ValueError as error:
        raise RequestInvalid(errors=[{"field": "branch_code", "reason": str(error)}]) from None


def _check_age(key: Key, settings: Settings, now: datetime) -> None:
    """Raises HoldInForce for a key that is on hold, or that came less than the hold of new keys ago."""
    check_hold(key, now)
    old_enough_at = key.added_at + timedelta(seconds=settings.key_hold_s)
    if now < old_enough_at:
        raise HoldInForce(until=old_enough_at)


async def _lift_at_branch(
    connection: Connection, who: SignedIn, code: str, proven: tuple[Any, ...], settings: Settings, now: datetime
) -> None:
    """Counts the try, then looks at the code. Raises BranchCodeInvalid, which keeps the count."""
    tries = await count_branch_try(connection, who.participant_id, who.key_id, now)
    if tries is None:
        raise BranchCodeInvalid(tries_left=0)
    if await connection.fetchval(SQL["lift_stop_at_branch"], *proven, code) == "code_invalid":
        await count_failure(connection, settings, "branch_code", now)
        raise BranchCodeInvalid(tries_left=BRANCH_TRIES_PER_DAY - tries)
