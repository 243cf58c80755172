"""GET /v1/cards/{card_id}/statement: the entries of one card, newest first."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from app.cards.card import Employer
from app.cards.problems import CardUnknown
from app.identity.session import SignedIn
from app.platform.database import Connection
from app.platform.sql import load

STATEMENT = load("cards/statement")


class LedgerEntry(msgspec.Struct, frozen=True):
    """`amount` is whole rupiah, positive into the card; `effective_on` is when it counts, `recorded_at` when it was written.

    `received_for_kpj` names the number that the money was paid for, when that is not this card's own.
    """

    id: UUID
    kind: str
    amount: int
    balance_after: int
    effective_on: date
    recorded_at: datetime
    employer: Employer | None
    month: str | None
    received_for_kpj: str | None


class Statement(msgspec.Struct, frozen=True):
    entries: list[LedgerEntry]
    next_cursor: str | None


@get("/v1/cards/{card_id:uuid}/statement", opt={"problems": (CardUnknown,)}, tags=["cards"])
async def statement(
    card_id: FromPath[UUID],
    connection: NamedDependency[Connection],
    who: NamedDependency[SignedIn],
    from_day: Annotated[date | None, QueryParameter(name="from")] = None,
    to_day: Annotated[date | None, QueryParameter(name="to")] = None,
    cursor: Annotated[int | None, QueryParameter(ge=1, le=2**31 - 1)] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=100)] = 50,
) -> Statement:
    """The entries of one of my cards, newest first; `from` and `to` are effective days, both included."""
    if not await connection.fetchval(STATEMENT["owned"], who.participant_id, card_id):
        raise CardUnknown
    rows = await connection.fetch(
        STATEMENT["statement"], who.participant_id, card_id, cursor, from_day, to_day, limit + 1
    )
    entries = [
        LedgerEntry(
            id=row["id"],
            kind=row["kind"],
            amount=row["amount"],
            balance_after=row["balance_after"],
            effective_on=row["effective_on"],
            recorded_at=row["recorded_at"],
            employer=Employer(row["employer_id"], row["employer_name"] or "") if row["employer_id"] else None,
            month=f"{row['month']:%Y-%m}" if row["month"] else None,
            received_for_kpj=row["received_for_kpj"],
        )
        for row in rows[:limit]
    ]
    return Statement(entries=entries, next_cursor=str(rows[limit - 1]["number"]) if len(rows) > limit else None)
