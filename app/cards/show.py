"""One card and why it is as it is: by its id, or by any number it ever had."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.cards.card import Card, Explanation, explain, from_row
from app.cards.problems import CardUnknown
from app.identity.session import SignedIn
from app.platform.database import Connection
from app.platform.sql import statement

SHOW = statement("cards/show")

Kpj = Annotated[
    str, msgspec.Meta(min_length=10, max_length=15, pattern="^[0-9A-Za-z]+$", description="A card's number")
]


class CardShown(Card, frozen=True):
    """A card with the explanation of its state."""

    explanation: Explanation


class Resolve(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kpj: Kpj


@get("/v1/cards/{card_id:uuid}", opt={"problems": (CardUnknown,)}, tags=["cards"])
async def show(
    card_id: FromPath[UUID], connection: NamedDependency[Connection], who: NamedDependency[SignedIn]
) -> CardShown:
    """One of my cards, with the explanation of its state. A stranger's card is `card_unknown`, as if it did not exist."""
    return await show_card(connection, who, card_id)


@post("/v1/cards/resolve", status_code=200, opt={"problems": (CardUnknown,), "repeatable": True}, tags=["cards"])
async def resolve(
    data: JSONBody[Resolve], connection: NamedDependency[Connection], who: NamedDependency[SignedIn]
) -> CardShown:
    """The card behind a number: every number ever issued resolves for its owner. The number travels in the body only."""
    return await show_card(connection, who, kpj=data.kpj)


async def show_card(
    connection: Connection, who: SignedIn, card_id: UUID | None = None, kpj: str | None = None
) -> CardShown:
    """The card with this id or number, as its owner sees it. Raises CardUnknown, for a stranger's too."""
    row = await connection.fetchrow(SHOW, who.participant_id, card_id, kpj)
    if row is None:
        raise CardUnknown
    card = from_row(row)
    members = {name: getattr(card, name) for name in card.__struct_fields__}
    return CardShown(**members, explanation=explain(row, who.locale))
