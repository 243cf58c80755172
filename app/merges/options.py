"""Which of my cards may be merged into which, with every reason why not, and what is suggested."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import permutations
from typing import Annotated

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from app.cards.problems import CardUnknown
from app.cards.show import Kpj
from app.identity.session import SignedIn
from app.merges.load import read_cards
from app.merges.merge import Card, judge, recommended, text
from app.merges.select import select_cards
from app.platform.clock import jakarta_day
from app.platform.database import Connection

MAX_ABSORBED = 20
Absorb = Annotated[list[Kpj], msgspec.Meta(min_length=1, max_length=MAX_ABSORBED)]


class Coded(msgspec.Struct, frozen=True):
    code: str
    text: str


class Option(msgspec.Struct, frozen=True):
    """`reasons` say why it is not allowed, or, for the recommended one, why it is suggested."""

    absorb: list[str]
    into: str
    allowed: bool
    recommended: bool
    reasons: list[Coded]
    warnings: list[Coded]


class Options(msgspec.Struct, frozen=True):
    options: list[Option]


class OptionAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    absorb: Absorb
    into: Kpj


@get("/v1/merges/options", tags=["merges"])
async def options(
    connection: NamedDependency[Connection], now: NamedDependency[datetime], who: NamedDependency[SignedIn]
) -> Options:
    """Every ordered pair of my cards, judged, and the one set that is recommended, if any."""
    cards = await read_cards(connection, who.participant_id)
    suggested = recommended(cards, day=jakarta_day(now))
    suggestion = ([card.kpj for card in suggested[0]], suggested[1].kpj) if suggested else None
    found = [
        _option([first], second, who.locale, now, suggestion=suggestion, why=suggested[2] if suggested else None)
        for first, second in permutations(cards, 2)
    ]
    if suggested and len(suggested[0]) > 1:
        found.append(_option(suggested[0], suggested[1], who.locale, now, suggestion=suggestion, why=suggested[2]))
    return Options(options=sorted(found, key=lambda option: not option.recommended))


@post("/v1/merges/options", status_code=200, opt={"problems": (CardUnknown,), "repeatable": True}, tags=["merges"])
async def judge_option(
    data: JSONBody[OptionAsked],
    connection: NamedDependency[Connection],
    now: NamedDependency[datetime],
    who: NamedDependency[SignedIn],
) -> Option:
    """Judges any set of my cards; changes nothing."""
    absorb, into = select_cards(await read_cards(connection, who.participant_id), data.absorb, data.into)
    return _option(absorb, into, who.locale, now, suggestion=None, why=None)


def _option(
    absorb: Sequence[Card],
    into: Card,
    locale: str,
    now: datetime,
    *,
    suggestion: tuple[list[str], str] | None,
    why: str | None,
) -> Option:
    day = jakarta_day(now)
    judgement = judge(absorb, into, day=day)
    is_suggested = suggestion == ([card.kpj for card in absorb], into.kpj)
    reasons = [*judgement.reasons, *([why] if is_suggested and why else [])]
    return Option(
        absorb=[card.kpj for card in absorb],
        into=into.kpj,
        allowed=not judgement.reasons,
        recommended=is_suggested,
        reasons=[Coded(code, text(code, locale, day)) for code in reasons],
        warnings=[Coded(code, text(code, locale, day)) for code in judgement.to_acknowledge],
    )
