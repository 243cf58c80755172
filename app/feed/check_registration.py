"""POST /feed/v1/registrations/check: before a card is made for a new employee, which card to go on with.

Whoever has a card that can be continued is told that an employer asked, once a day for each employer: a second card is
best prevented by the one who would have to merge it.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Literal

import asyncpg
import msgspec
from litestar import Request, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from app.feed.event import Identifier, Nik
from app.feed.signature import SignatureInvalid, require_signature
from app.feed.turn import SQL as TURN
from app.platform.database import Connection, transaction
from app.platform.jobs import Doorbell
from app.platform.sealing import read_sealer
from app.platform.sql import load
from app.settings import Settings

SQL = load("feed/check_registration")
TOLD_AGAIN_AFTER = timedelta(days=1)


class RegistrationCheck(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom an employer is about to register. The employer need not be known here."""

    nik: Nik
    employer_id: Identifier


class RegistrationCheckBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A top-level key of its own: no body of another route fits this one."""

    registration_check: RegistrationCheck


class CardToContinue(msgspec.Struct, frozen=True):
    """The card, as it stands. Balances are not the employer's business."""

    kpj: str
    status: Literal["pending", "active", "arrears", "inactive"]
    segment: str
    employer_id: str | None
    opened_on: date


class RegistrationAdvice(msgspec.Struct, frozen=True):
    """`continue_card`: register on `card`. `open_card`: none can be continued, make one. `stop`: the participant is recorded
    as deceased; see to the identity number first. `cards` counts all cards of the participant, `told` says whether the
    participant was told of this very question."""

    advice: Literal["continue_card", "open_card", "stop"]
    card: CardToContinue | None
    cards: int
    told: bool


@post(
    "/feed/v1/registrations/check",
    status_code=200,
    guards=[require_signature],
    opt={"problems": (SignatureInvalid,), "public": True, "transaction": False},
    tags=["feed"],
)
async def check_registration(
    request: Request[Any, Any, Any],
    data: JSONBody[RegistrationCheckBody],
    settings: NamedDependency[Settings],
) -> RegistrationAdvice:
    """The card to continue. An identity number that nobody here has is answered like one without cards."""
    check, doorbell = data.registration_check, Doorbell()
    nik_hash = read_sealer(settings.data_keys).look_up(check.nik, column="nik")
    async with transaction(request.app.state.pool, wait_s=settings.pool_wait_s) as connection:
        rows = await connection.fetch(SQL["find_cards"], nik_hash, check.employer_id)
        answer = _advise(rows)
        if answer.card is not None and await _tell(connection, rows[0], answer.card, check.employer_id):
            answer = msgspec.structs.replace(answer, told=True)
            doorbell.ring(rows[0]["participant_id"], rows[0]["lane"])
    request.app.state.jobs.ring_soon(doorbell)
    return answer


def _advise(rows: list[asyncpg.Record]) -> RegistrationAdvice:
    cards = sum(row["card_id"] is not None for row in rows)
    if rows and rows[0]["deceased"]:
        return RegistrationAdvice("stop", None, cards, told=False)
    if not rows or not rows[0]["continuable"]:
        return RegistrationAdvice("open_card", None, cards, told=False)
    best = rows[0]
    card = CardToContinue(best["kpj"], best["status"], best["segment"], best["employer_id"], best["opened_on"])
    return RegistrationAdvice("continue_card", card, cards, told=False)


async def _tell(connection: Connection, row: asyncpg.Record, card: CardToContinue, employer_id: str) -> bool:
    """Whether an entry was written: not when the card is this employer's, and not twice a day."""
    if card.employer_id == employer_id and card.status in ("active", "pending"):
        return False
    participant_id = row["participant_id"]
    await connection.execute(TURN["lock_participant"], participant_id)
    if await connection.fetchval(SQL["was_told"], participant_id, employer_id, TOLD_AGAIN_AFTER):
        return False
    cause_id = await connection.fetchval(TURN["record_cause"], participant_id, "agency", None, None, None, None)
    employer = await connection.fetchval(TURN["employer_name"], employer_id)
    note = {"kpj": card.kpj, "employer_id": employer_id, "employer": employer}
    await connection.execute(SQL["note"], participant_id, cause_id, {k: v for k, v in note.items() if v is not None})
    return True
