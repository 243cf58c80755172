"""POST /v1/me/consents/{purpose} and …/withdrawal: agree to a purpose, or object to it. Both as often as one likes."""

from __future__ import annotations

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.consents.consent import WORDING, Consent
from app.consents.problems import PurposeUnknown
from app.consents.show import PURPOSES, SQL, describe_processing
from app.identity.session import SignedIn
from app.platform.database import Connection
from app.platform.jobs import Doorbell
from app.platform.sql import statement

CHOOSE = statement("consents/choose", "choose")


class Choice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to say beyond the route itself."""


@post("/v1/me/consents/{purpose:str}", status_code=200, opt={"problems": (PurposeUnknown,)}, tags=["identity"])
async def give_consent(
    purpose: FromPath[str],
    data: JSONBody[Choice],  # noqa: ARG001
    connection: NamedDependency[Connection],
    doorbell: NamedDependency[Doorbell],
    who: NamedDependency[SignedIn],
) -> Consent:
    """Agrees to a purpose again."""
    return await _choose(connection, doorbell, who, purpose, "given")


@post(
    "/v1/me/consents/{purpose:str}/withdrawal", status_code=200, opt={"problems": (PurposeUnknown,)}, tags=["identity"]
)
async def withdraw_consent(
    purpose: FromPath[str],
    data: JSONBody[Choice],  # noqa: ARG001
    connection: NamedDependency[Connection],
    doorbell: NamedDependency[Doorbell],
    who: NamedDependency[SignedIn],
) -> Consent:
    """Objects to a purpose: from now on it is not done. What it brought before stays, and is deleted on request only."""
    return await _choose(connection, doorbell, who, purpose, "withdrawn")


async def _choose(connection: Connection, doorbell: Doorbell, who: SignedIn, purpose: str, choice: str) -> Consent:
    if purpose not in PURPOSES:
        raise PurposeUnknown(purposes=list(PURPOSES))
    await connection.fetchval(CHOOSE, who.participant_id, purpose, choice, WORDING, who.key_id)
    doorbell.ring(who.participant_id, who.lane)
    rows = {row["purpose"]: row for row in await connection.fetch(SQL["choices"], who.participant_id)}
    return describe_processing(purpose, rows[purpose], who.locale)
