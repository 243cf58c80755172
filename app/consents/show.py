"""GET /v1/me/consents: everything that I agreed to, each by itself, and how to take it back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from litestar import get
from litestar.di import NamedDependency

from app.consents.consent import WORDING, Agreement, Consent, describe_agreement, texts
from app.identity.session import SignedIn
from app.platform.database import Connection
from app.platform.sql import load

SQL = load("consents/show")
PURPOSES = ("possible_matches",)
MAX_AGREEMENTS = 500


class Consents(msgspec.Struct, frozen=True):
    """The processing that I may object to, then the plans that I confirmed: the newest 500."""

    consents: list[Consent]


@get("/v1/me/consents", tags=["identity"])
async def list_consents(
    connection: NamedDependency[Connection], who: NamedDependency[SignedIn], now: NamedDependency[datetime]
) -> Consents:
    """What I agreed to. Merges are taken back by cancel and undo; processing by its own route."""
    chosen = {row["purpose"]: row for row in await connection.fetch(SQL["choices"], who.participant_id)}
    rows = await connection.fetch(SQL["agreements"], who.participant_id, MAX_AGREEMENTS)
    return Consents(
        [describe_processing(purpose, chosen.get(purpose), who.locale) for purpose in PURPOSES]
        + [describe_agreement(msgspec.convert(dict(row), Agreement), locale=who.locale, now=now) for row in rows]
    )


def describe_processing(purpose: str, choice: Any, locale: str) -> Consent:
    """A purpose with the newest choice about it; without one the processing goes on, by law and until objected to."""
    withdrawn = choice is not None and choice["choice"] == "withdrawn"
    chosen_at = choice["chosen_at"] if choice is not None else None
    return Consent(
        purpose=purpose,
        merge_id=None,
        state="withdrawn" if withdrawn else "in_force",
        given_at=None if withdrawn else chosen_at,
        withdrawn_at=chosen_at if withdrawn else None,
        text=texts(choice["wording"] if choice is not None else WORDING)[purpose][locale],
        withdraw=None if withdrawn else f"POST /v1/me/consents/{purpose}/withdrawal",
    )
