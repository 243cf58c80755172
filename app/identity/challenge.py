"""Hand out a nonce for one purpose and one subject."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from app.identity.passkey_options import RequestOptions, request_options
from app.identity.problems import NotSignedIn, TokenExpired
from app.identity.session import Identify
from app.identity.statements import NONCE_BYTES, encode_nonce
from app.identity.tokens import Tokens
from app.platform.database import Connection
from app.platform.problems import RequestInvalid
from app.platform.relying_party import find_relying_party
from app.platform.sql import statement
from app.settings import Settings

MAKE = statement("identity/challenge")
CHALLENGE_TTL_S = 300
WITH_SUBJECT = ("merge", "undo", "accept", "unlock", "remove_key", "change_contact")


class ChallengeRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`subject_id` is the merge, card or key that is meant; `device_id` the phone that signs in, none for a passkey."""

    purpose: Literal["sign_in", "merge", "undo", "accept", "unlock", "add_key", "remove_key", "change_contact"]
    subject_id: UUID | None = None
    device_id: UUID | None = None


class Challenge(msgspec.Struct, frozen=True):
    """`nonce`: 32 bytes, base64url, single use. `passkey`: options for a proof by passkey, null when there is none to use.

    They lack their `challenge`, which only the client knows: the SHA-256 of the statement with the nonce in it.
    """

    nonce: str
    expires_at: datetime
    passkey: RequestOptions | None


@post(
    "/v1/challenges", status_code=200, opt={"problems": (NotSignedIn, TokenExpired), "public": True}, tags=["identity"]
)
async def make_challenge(
    data: JSONBody[ChallengeRequest],
    request: Request[Any, Any, Any],
    connection: NamedDependency[Connection],
    now: NamedDependency[datetime],
    settings: NamedDependency[Settings],
) -> Challenge:
    """A nonce for a proof: 5 minutes, once, for this purpose and subject.

    Signed in, except for `sign_in`, where the answer is the same whether the device exists or not; without a `device_id`
    it is for a passkey, of which the browser offers those that it holds. Errors: 401.
    """
    _check(data)
    party = find_relying_party(settings)
    participant_id: UUID | None = None
    passkey = RequestOptions(party.id, []) if party and data.device_id is None else None
    if data.purpose != "sign_in":
        # The one route that is open for one purpose and closed for the others.
        participant_id, _ = await Identify(Tokens(settings.secret))(connection, request.scope)
        passkey = await request_options(connection, party, participant_id)
    nonce = secrets.token_bytes(NONCE_BYTES)
    expires_at = now + timedelta(seconds=CHALLENGE_TTL_S)
    await connection.execute(MAKE, nonce, data.purpose, participant_id, data.device_id, data.subject_id, expires_at)
    return Challenge(nonce=encode_nonce(nonce), expires_at=expires_at, passkey=passkey)


def _check(data: ChallengeRequest) -> None:
    if data.purpose == "sign_in":
        if data.subject_id is not None:
            raise RequestInvalid(errors=[{"field": "subject_id", "reason": "sign_in takes a device_id or nothing"}])
    elif data.device_id is not None:
        raise RequestInvalid(
            errors=[{"field": "device_id", "reason": "only for sign_in: the session names the device"}]
        )
    elif data.purpose in WITH_SUBJECT and data.subject_id is None:
        raise RequestInvalid(errors=[{"field": "subject_id", "reason": f"{data.purpose} needs a subject_id"}])
