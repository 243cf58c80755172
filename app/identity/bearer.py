"""What an access token says by itself, before the database is asked whether its session still lives."""

from __future__ import annotations

import time
from uuid import UUID

from litestar.types import Scope

from app.identity.tokens import AccessToken, Tokens


def read_bearer(tokens: Tokens, headers: dict[bytes, bytes]) -> AccessToken | None:
    """The token of the Authorization header; None when there is none, or it is forged."""
    scheme, _, value = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    return tokens.read_access(value) if scheme.lower() == "bearer" else None


class Asker:
    """Whom to count a request for: (participant_id, session_id) of a genuine token, expired by no clock of this machine."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens

    def __call__(self, scope: Scope) -> tuple[UUID, UUID] | None:
        token = read_bearer(self.tokens, dict(scope["headers"]))
        if token is None or token.expires_at.timestamp() <= time.time():
            return None
        return token.participant_id, token.session_id
