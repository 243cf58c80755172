"""The link that can only STOP: in every message by SMS or mail that tells of something that may be a theft.

The token is derived from the message's id with a server key, so that a message that is sent again carries the same link,
and kept as a hash: whoever reads the database can stop nobody.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import string
from uuid import UUID

from app.identity.tokens import derive_key
from app.platform.database import Connection, Pool
from app.platform.sql import statement

ISSUE = statement("identity/stop_link")
TOKEN_TTL_DAYS = 30
# Letters alone, lower case: 131 bits that survive a keyboard, a mail gateway and a reader who looks for a code's 8 digits.
TOKEN_LETTERS = 28
TOKEN_FORM = re.compile(f"[a-z]{{{TOKEN_LETTERS}}}")


def stop_token(secret: str, message_id: str) -> str:
    """The token in the message with this id: 28 lower-case letters."""
    number = int.from_bytes(hmac.digest(derive_key(secret, "stop link"), message_id.encode(), "sha256"))
    letters = []
    for _ in range(TOKEN_LETTERS):
        number, place = divmod(number, len(string.ascii_lowercase))
        letters.append(string.ascii_lowercase[place])
    return "".join(letters)


def hash_stop_token(token: str) -> bytes | None:
    """What is stored and looked up: SHA-256. None for what was never a token."""
    return hashlib.sha256(token.encode()).digest() if TOKEN_FORM.fullmatch(token) else None


async def issue_stop_link(
    database: Pool | Connection, *, secret: str, public_origin: str, participant_id: UUID, message_id: str
) -> str:
    """The link for one message, good for 30 days from its first issue. Needs the worker's role; write it before sending."""
    token = stop_token(secret, message_id)
    await database.execute(ISSUE, hash_stop_token(token), participant_id, TOKEN_TTL_DAYS)
    return f"{public_origin.rstrip('/')}/stop/{token}"
