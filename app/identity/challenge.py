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

from app.identity.problems import NotSignedIn, TokenExpired
from app.identity.session import Identify
from app.identity.statements import NONCE_BYTES, encode_nonce
from app.identity.tokens import Tokens
from app.platform.database import Connection
from app.platform.problems import RequestInvalid
from app.platform.sql import statement
from app.settings import Settings

MAKE = statement("identity/challenge")
CHALLENGE_TTL_S = 300
WITH_SUBJECT = ("merge", "undo", "accept", "unlock", "remove_key")


class ChallengeRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`subject_id` is the merge, card or device that is meant; `device_id` the phone that signs in."""

    purpose: Literal["sign_in", "merge", "undo", "accept", "unlock", "add_key", "remove_key", "change_contact"]
    subject_id: UUID | None = None
    device_id: UUID | None = None


class Challenge(msgspec.Struct, frozen=True):
    """`nonce`: 32 bytes, base64url, single use. `passkey`: request options where passkeys work, else null."""

    nonce: str
    expires_at: datetime
    passkey: None = None


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

    Signed in, except for `sign_in`, where the answer is the same whether the device exists or not. Errors: 401.
    """
    _check(data)
    participant_id: UUID | None = None
    if data.purpose != "sign_in":
        # The one route that is open for one purpose and closed for the others.
        participant_id, _ = await Identify(Tokens(settings.secret))(connection, request.scope)
    nonce = secrets.token_bytes(NONCE_BYTES)
    expires_at = now + timedelta(seconds=CHALLENGE_TTL_S)
    await connection.execute(MAKE, nonce, data.purpose, participant_id, data.device_id, data.subject_id, expires_at)
    return Challenge(nonce=encode_nonce(nonce), expires_at=expires_at)


def _check(data: ChallengeRequest) -> None:
    if data.purpose == "sign_in":
        if data.device_id is None or data.subject_id is not None:
            raise RequestInvalid(errors=[{"field": "device_id", "reason": "sign_in takes a device_id, no subject_id"}])
    elif data.device_id is not None:
        raise RequestInvalid(
            errors=[{"field": "device_id", "reason": "only for sign_in: the session names the device"}]
        )
    elif data.purpose in WITH_SUBJECT and data.subject_id is None:
        raise RequestInvalid(errors=[{"field": "subject_id", "reason": f"{data.purpose} needs a subject_id"}])
