"""POST /v1/support-codes: a code to read out to the agency's staff, which lets one of them see my cards for 15 minutes."""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from app.identity.problems import SupportCodesTooMany
from app.identity.session import SignedIn
from app.identity.tokens import derive_key
from app.platform.database import Connection, new_id
from app.platform.jobs import Doorbell
from app.platform.sql import statement
from app.platform.strict_json import Nothing
from app.settings import Settings

MAKE = statement("identity/support_code")
LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's 32: what is heard or read as I, L or O is 1 or 0."""
HEARD_AS = str.maketrans({"I": "1", "L": "1", "O": "0", "-": "", " ": ""})
LENGTH = 8


class SupportCode(msgspec.Struct, frozen=True):
    """`code` is shown this once, in two groups; whoever of the staff uses it first has it alone."""

    code: str
    expires_at: datetime


def new_code() -> str:
    """40 random bits as `XXXX-XXXX`."""
    drawn = "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
    return f"{drawn[:4]}-{drawn[4:]}"


def hash_code(secret: str, code: str) -> bytes:
    """What is kept instead of a code: keyed, so that whoever reads the database can try none."""
    heard = code.upper().translate(HEARD_AS)
    return hmac.digest(derive_key(secret, "support code"), heard.encode(), "sha256")


# Repeatable: an answer with a code in it is never kept, and another code simply ends the one before.
@post(
    "/v1/support-codes",
    status_code=201,
    opt={"problems": (SupportCodesTooMany,), "repeatable": True},
    tags=["identity"],
)
async def make_support_code(
    data: JSONBody[Nothing],  # noqa: ARG001 - `{}` says that nothing else is asked for
    connection: NamedDependency[Connection],
    doorbell: NamedDependency[Doorbell],
    who: NamedDependency[SignedIn],
    settings: NamedDependency[Settings],
) -> SupportCode:
    """A new code for 15 minutes; one that was made before and not used yet ends. Every view it opens is in my access log."""
    code = new_code()
    expires_at = await connection.fetchval(
        MAKE, who.participant_id, new_id(), hash_code(settings.secret, code), str(who.key_id)
    )
    doorbell.ring(who.participant_id, who.lane)
    return SupportCode(code, expires_at)
