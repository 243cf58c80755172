"""GET /v1/cards: every card ever held, in whatever state."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import HeaderParameter, QueryParameter

from app.cards.as_of import read_as_of
from app.cards.card import Card, Row, from_row
from app.identity.session import SignedIn
from app.platform.database import Connection
from app.platform.problems import RequestInvalid
from app.platform.sql import statement

OVERVIEW = statement("cards/overview")
INSTANT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})$"


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


@get("/v1/cards", opt={"answers": {304: {}}}, tags=["cards"])
async def overview(
    connection: NamedDependency[Connection],
    who: NamedDependency[SignedIn],
    as_of: Annotated[
        date | None, QueryParameter(description="How it stood at the end of this day, as known now")
    ] = None,
    known_at: Annotated[
        str | None, QueryParameter(pattern=INSTANT, description="What was shown at this instant (RFC 3339)")
    ] = None,
    if_none_match: Annotated[str | None, HeaderParameter(name="If-None-Match")] = None,
) -> Response[Overview | None]:
    """All my cards, found by who I am and never by a typed number. With `If-None-Match`: 304 when nothing changed.

    `as_of` and `known_at` give them as they were, without an ETag; `head` is always the newest entry.
    """
    if as_of is not None or known_at is not None:
        instant = _read_instant(known_at) if known_at is not None else None
        past = await read_as_of(connection, who.participant_id, as_of, instant)
        return Response(_present(past), headers={"Cache-Control": "private, no-cache"})
    rows = await connection.fetch(OVERVIEW, who.participant_id)
    head = _head(rows)
    etag = f'"{head.seq}-{head.hash[:16]}"'
    headers: dict[str, Any] = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if if_none_match == etag:
        return Response(None, status_code=304, headers=headers)
    return Response(_present(rows), headers=headers)


def _present(rows: Sequence[Row]) -> Overview:
    cards = [from_row(row) for row in rows if row["card_id"] is not None]
    total = sum(card.balance or 0 for card in cards)
    return Overview(cards=cards, total_balance=total, currency="IDR", head=_head(rows))


def _read_instant(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise RequestInvalid(errors=[{"field": "known_at", "reason": "not an instant"}]) from None


def _head(rows: Sequence[Row]) -> Head:
    return Head(seq=rows[0]["head_seq"], hash=rows[0]["head_hash"])
