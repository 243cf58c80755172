"""GET /v1/cards/{card_id}/history: everything that ever happened to one card, newest first."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from app.cards.problems import CardUnknown
from app.cards.statement import STATEMENT
from app.identity.session import SignedIn
from app.notifications.entry import Entry, present
from app.platform.database import Connection
from app.platform.sql import statement

HISTORY = statement("cards/history")


class CardHistory(msgspec.Struct, frozen=True):
    entries: list[Entry]
    next_cursor: str | None


@get("/v1/cards/{card_id:uuid}/history", opt={"problems": (CardUnknown,)}, tags=["cards"])
async def history(
    card_id: FromPath[UUID],
    connection: NamedDependency[Connection],
    who: NamedDependency[SignedIn],
    cursor: Annotated[int | None, QueryParameter(ge=1, le=2**63 - 1)] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=100)] = 50,
) -> CardHistory:
    """The entries about one of my cards, what was loaded at installation included."""
    if not await connection.fetchval(STATEMENT["owned"], who.participant_id, card_id):
        raise CardUnknown
    rows = await connection.fetch(HISTORY, who.participant_id, card_id, cursor, limit + 1)
    entries = [present(dict(row), who.locale) for row in rows[:limit]]
    return CardHistory(entries=entries, next_cursor=str(entries[-1].seq) if len(rows) > limit else None)
