"""GET /v1/cards: every card ever held, in whatever state."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import HeaderParameter

from app.cards.card import Card, from_row
from app.identity.session import SignedIn
from app.platform.database import Connection
from app.platform.sql import statement

OVERVIEW = statement("cards/overview")


class Head(msgspec.Struct, frozen=True):
    """The newest history entry: `hash` (hex) covers all before it."""

    seq: int
    hash: str


class Overview(msgspec.Struct, frozen=True):
    """`total_balance` is whole rupiah over all cards with JHT."""

    cards: list[Card]
    total_balance: int
    currency: str
    head: Head


@get("/v1/cards", tags=["cards"])
async def overview(
    connection: NamedDependency[Connection],
    who: NamedDependency[SignedIn],
    if_none_match: Annotated[str | None, HeaderParameter(name="If-None-Match")] = None,
) -> Response[Overview | None]:
    """All my cards, found by who I am and never by a typed number. With `If-None-Match`: 304 when nothing changed."""
    rows = await connection.fetch(OVERVIEW, who.participant_id)
    head = Head(seq=rows[0]["head_seq"], hash=rows[0]["head_hash"])
    etag = f'"{head.seq}-{head.hash[:16]}"'
    headers: dict[str, Any] = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if if_none_match == etag:
        return Response(None, status_code=304, headers=headers)
    cards = [from_row(row) for row in rows if row["card_id"] is not None]
    total = sum(card.balance or 0 for card in cards)
    return Response(Overview(cards=cards, total_balance=total, currency="IDR", head=head), headers=headers)
