"""Which of my cards may be merged into which, with every reason why not, and what is suggested."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from itertools import permutations
from typing import Annotated

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from app.cards.problems import CardUnknown
from app.cards.show import Kpj
from app.identity.session import SignedIn
from app.merges.load import read_cards, read_never_suggested
from app.merges.merge import Card, Pairs, Suggestion, holds_pair, judge, name_employers, recommended, severity, text
from app.merges.present import Consequence
from app.merges.select import select_cards
from app.platform.clock import jakarta_day
from app.platform.database import Connection

MAX_ABSORBED = 20
Absorb = Annotated[list[Kpj], msgspec.Meta(min_length=1, max_length=MAX_ABSORBED)]


class Coded(msgspec.Struct, frozen=True):
    code: str
    text: str


class Option(msgspec.Struct, frozen=True):
    """`consequences` are all that it would mean, for setting options side by side; `warnings` those to acknowledge.

    `reasons` say why it is not allowed, or, for the recommended one, why it is suggested.

    An allowed option with the reason `never_suggest` is not suggested because the participant said so.
    """

    absorb: list[str]
    into: str
    allowed: bool
    recommended: bool
    reasons: list[Coded]
    warnings: list[Coded]
    consequences: list[Consequence]


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
    day = jakarta_day(now)
    never = await read_never_suggested(connection, who.participant_id)
    suggested = recommended(cards, day=day, never=never)
    found = [
        judge_as_option([first], second, who.locale, day, suggested, never) for first, second in permutations(cards, 2)
    ]
    if suggested and len(suggested[0]) > 1:
        found.append(judge_as_option(suggested[0], suggested[1], who.locale, day, suggested, never))
    return Options(options=sorted(found, key=lambda option: not option.recommended))


@post("/v1/merges/options", status_code=200, opt={"problems": (CardUnknown,), "repeatable": True}, tags=["merges"])
async def judge_option(
    data: JSONBody[OptionAsked],
    connection: NamedDependency[Connection],
    now: NamedDependency[datetime],
    who: NamedDependency[SignedIn],
) -> Option:
    """Judges any set of my cards; changes nothing."""
    cards = await read_cards(connection, who.participant_id)
    absorb, into = select_cards(cards, data.absorb, data.into)
    never = await read_never_suggested(connection, who.participant_id)
    day = jakarta_day(now)
    return judge_as_option(absorb, into, who.locale, day, recommended(cards, day=day, never=never), never)


def judge_as_option(
    absorb: Sequence[Card], into: Card, locale: str, day: date, suggested: Suggestion | None, never: Pairs
) -> Option:
    judgement = judge(absorb, into, day=day)
    is_suggested = suggested is not None and (list(absorb), into) == suggested[:2]
    unwanted = ["never_suggest"] if holds_pair([*absorb, into], never) else []
    reasons = [*judgement.reasons, *unwanted, *([suggested[2]] if suggested and is_suggested else [])]
    employer = name_employers([*absorb, into])
    consequences = [
        Consequence(code, severity(code), text(code, locale, day, employer=employer)) for code in judgement.consequences
    ]
    return Option(
        absorb=[card.kpj for card in absorb],
        into=into.kpj,
        allowed=not judgement.reasons,
        recommended=is_suggested,
        reasons=[Coded(code, text(code, locale, day)) for code in reasons],
        warnings=[Coded(item.code, item.text) for item in consequences if item.code in judgement.to_acknowledge],
        consequences=consequences,
    )
