"""Who is asking: the token says it, the database says whether the session still lives."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request
from litestar.types import Scope

from app.identity.bearer import read_bearer
from app.identity.problems import NotSignedIn, TokenExpired
from app.identity.tokens import Tokens
from app.platform.database import Connection
from app.platform.sql import statement

LIVE = statement("identity/session")


class SignedIn(msgspec.Struct, frozen=True):
    """The person and key behind a request. `locale` (id, en) is what texts are shown in; `lane` is where messages wait.

    The session was begun by the key of a device or by a passkey: one of `device_id` and `passkey_id` is None.
    """

    participant_id: UUID
    session_id: UUID
    device_id: UUID | None
    passkey_id: UUID | None
    locale: str
    lane: int

    @property
    def key_id(self) -> UUID:
        """The key that the session was begun by: the actor of what is done in it."""
        key_id = self.device_id or self.passkey_id
        if key_id is None:
            raise ValueError("a session without a key: session_has_one_key keeps it from being")
        return key_id


class Identify:
    """Checks access tokens; wired into the transaction that wraps every request."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens

    async def __call__(self, connection: Connection, scope: Scope) -> tuple[UUID, datetime]:
        """Raises NotSignedIn (no, forged or ended), TokenExpired (refresh and try again)."""
        headers = dict(scope["headers"])
        token = read_bearer(self.tokens, headers)
        if token is None:
            raise NotSignedIn
        row = await connection.fetchrow(LIVE, token.participant_id, token.session_id)
        if row is None:
            raise NotSignedIn
        if row["now"] >= token.expires_at:
            raise TokenExpired
        scope["user"] = SignedIn(
            participant_id=token.participant_id,
            session_id=token.session_id,
            device_id=row["device_id"],
            passkey_id=row["passkey_id"],
            locale=choose_language(headers.get(b"accept-language", b"").decode("latin-1"), row["locale"]),
            lane=row["lane"],
        )
        return token.participant_id, row["now"]


def choose_language(accept_language: str, preferred: str) -> str:
    """What the request asks for, else what the participant prefers."""
    asked = accept_language[:2].lower()
    return asked if asked in ("id", "en") else preferred


async def provide_signed_in(request: Request[Any, Any, Any]) -> SignedIn:
    """The person and key behind this request."""
    signed_in: SignedIn = request.scope["user"]
    return signed_in
