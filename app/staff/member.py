"""Who of the agency's staff is asking: the token of its identity provider says it.

A token is checked before the request's transaction begins, since that may take a question to the provider.
"""

from __future__ import annotations

import hmac
from base64 import b32encode
from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
import structlog
from litestar import Request
from litestar.types import ASGIApp, Receive, Scope, Send

from app.identity.tokens import derive_key
from app.platform.database import Connection
from app.platform.oidc import KeysAwayError, ProviderKeys, TokenInvalidError, TokenOldError, Trust, read_token
from app.platform.sql import statement
from app.platform.strict_text import UNSEEN
from app.settings import Settings, SettingsError
from app.staff.problems import StaffKeysAway, StaffRoleInsufficient, StaffTokenExpired, StaffTokenInvalid

log = structlog.get_logger()

Role = Literal["viewer", "caseworker", "supervisor"]
ROLES: tuple[Role, ...] = ("viewer", "caseworker", "supervisor")
"""Each may do what those before it may."""
OF_SIGN_IN = (StaffTokenInvalid, StaffTokenExpired, StaffRoleInsufficient, StaffKeysAway)
NOW = statement("platform/clock", "now")
LONGEST_SUBJECT = 255
LONGEST_NAME = 80
NOBODY = UUID(int=0)


class Member(msgspec.Struct, frozen=True):
    """`subject` is the provider's name for the person; `shown_as` is what participants are told of them."""

    issuer: str
    subject: str
    role: Role
    shown_as: str

    def row(self) -> tuple[str, str, Role, str]:
        """As the database's type `staff_member`."""
        return self.issuer, self.subject, self.role, self.shown_as

    def is_behind(self, issuer: str, subject: str) -> bool:
        """Whether this is the same person; letter case makes no second one."""
        return issuer == self.issuer and subject.lower() == self.subject.lower()


def check_settings(settings: Settings) -> None:
    """A staff listener without a provider would let nobody in, or anybody. Raises SettingsError."""
    for name in ("staff_issuer", "staff_audience", "staff_jwks_url"):
        if not getattr(settings, name):
            raise SettingsError(f"SEPAKAT_{name.upper()} is not set; beside `make run`, `. .local/environment` sets it")
    if not settings.local and not settings.staff_jwks_url.startswith("https://"):
        raise SettingsError("SEPAKAT_STAFF_JWKS_URL must be https:// in production")


def read_member(claims: dict[str, Any], settings: Settings) -> Member:
    """The member of staff that checked claims are about. Raises StaffTokenInvalid, StaffRoleInsufficient."""
    issuer, subject = str(claims["iss"]), claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT or not _is_plain(subject):
        raise StaffTokenInvalid
    held = _find_roles(claims, settings.staff_roles_claim)
    role = next((role for role in reversed(ROLES) if role in held), None)
    if role is None:
        raise StaffRoleInsufficient(needed=ROLES[0])
    return Member(issuer, subject, role, _shown_as(claims, issuer, subject, settings))


def pseudonym(secret: str, issuer: str, subject: str) -> str:
    """Eight letters and digits, always the same for one person, from which nobody without the secret finds the subject."""
    said = f"{issuer}\0{subject.lower()}".encode()
    digest = hmac.digest(derive_key(secret, "staff pseudonym"), said, "sha256")
    letters = b32encode(digest[:5]).decode()
    return f"{letters[:4]}-{letters[4:]}"


def _is_plain(subject: str) -> bool:
    # OpenID Connect Core, 2: at most 255 ASCII characters; no spaces, which would make two people look like one
    return all(33 <= ord(character) <= 126 for character in subject)


def _find_roles(claims: dict[str, Any], claim: str) -> set[str]:
    found: Any = claims.get(claim)
    if found is None:
        found = claims
        for part in claim.split("."):
            found = found.get(part) if isinstance(found, dict) else None
    if isinstance(found, str):
        return set(found.split())
    return {role for role in found if isinstance(role, str)} if isinstance(found, list) else set()


def _shown_as(claims: dict[str, Any], issuer: str, subject: str, settings: Settings) -> str:
    name = claims.get("name")
    if settings.staff_shown_as == "name" and isinstance(name, str):
        plain = " ".join(UNSEEN.sub("", name).split())[:LONGEST_NAME]
        if plain:
            return plain
    return pseudonym(settings.secret, issuer, subject)


class StaffOnly:
    """ASGI middleware: every route but the public ones takes a token, of the role that the route names (`opt["staff"]`)."""

    def __init__(self, app: ASGIApp, *, keys: Callable[[], ProviderKeys], settings: Settings) -> None:
        self.app, self.keys, self.settings = app, keys, settings
        self.trust = Trust(settings.staff_issuer, settings.staff_audience, settings.staff_token_max_age_s)

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        opt = scope["route_handler"].opt
        if scope["type"] == "http" and not opt.get("public"):
            member = await self._read(scope)
            needed: Role = opt.get("staff", "viewer")
            if ROLES.index(member.role) < ROLES.index(needed):
                raise StaffRoleInsufficient(needed=needed)
            scope["user"] = member
        await self.app(scope, receive, send)

    async def _read(self, scope: Scope) -> Member:
        header = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer":
            raise StaffTokenInvalid
        try:
            claims = await read_token(token, self.keys(), self.trust)
        except TokenOldError:
            raise StaffTokenExpired from None
        except TokenInvalidError as error:
            log.info("staff_token_refused", reason=str(error))
            raise StaffTokenInvalid from None
        except KeysAwayError:
            raise StaffKeysAway(headers={"Retry-After": "5"}) from None
        return read_member(claims, self.settings)


async def identify_member(connection: Connection, _scope: Scope) -> tuple[UUID, datetime]:
    """For the transaction around a request: nobody's own, and what time it is."""
    return NOBODY, await connection.fetchval(NOW)


async def provide_member(request: Request[Any, Any, Any]) -> Member:
    """The member of staff behind this request."""
    member: Member = request.scope["user"]
    return member
