"""Bearer tokens of an OpenID Connect provider: its public keys, fetched ahead, and the checks of a token.

Only RS256 and ES256, each with a key of its own kind: a token that is signed with a public key as if it were a secret, or
not at all, opens nothing. Times are those of this machine's own clock: a token is about a sign-in, not about the life of
a participant.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import jwt
import msgspec
import pyqwest
import structlog
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

log = structlog.get_logger()

ALGORITHMS = {"RSA": "RS256", "EC": "ES256"}
TYPES = ("jwt", "at+jwt", "application/at+jwt")
"""Of a token that lets somebody in (RFC 7519, 9068); providers sign logout tokens and others with the same keys."""
SHORTEST_RSA_BITS = 2048
LONGEST_TOKEN = 8_192  # characters
LEEWAY_S = 30
REFRESH_EVERY_S = 300.0
RETRY_EVERY_S = 5.0
ASK_AGAIN_AFTER_S = 10.0
"""How often an unknown key id may make us ask the provider, at most: anybody can make up key ids."""
KEYS_KEPT_S = 3_600.0
"""How long keys are believed while the provider does not answer."""
_TIMEOUT_S = 5.0
_ANSWER_LIMIT_BYTES = 256 * 1024

PublicKey = RSAPublicKey | EllipticCurvePublicKey


class TokenInvalidError(Exception):
    """No token of this provider for us; the message says why, and holds nothing of the token."""


class TokenOldError(TokenInvalidError):
    """It was good once: a new sign-in at the provider helps."""


class KeysAwayError(Exception):
    """The provider's keys are not known, or have not been confirmed for too long."""


class Trust(msgspec.Struct, frozen=True):
    """Whose tokens are taken, and how old they may be (seconds since `iat`, whatever `exp` says)."""

    issuer: str
    audience: str
    max_age_s: int


class ProviderKeys:
    """The keys at a JWKS address, by key id; `keep_keys` holds them as long as they are needed."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._transport = pyqwest.HTTPTransport(
            tls_include_system_certs=True,
            http_version=pyqwest.HTTPVersion.HTTP1,
            timeout=_TIMEOUT_S,
            connect_timeout=_TIMEOUT_S,
            follow_redirects=False,
        )
        self._client = pyqwest.Client(self._transport)
        self._keys: dict[str, PublicKey] = {}
        self._fetched_at = float("-inf")
        self._asked_at = float("-inf")
        self._asking = asyncio.Lock()

    async def find(self, kid: str) -> PublicKey | None:
        """The key of this id; a new one is asked for, once for all who wait. Raises KeysAwayError."""
        if kid not in self._keys or self._are_old():
            async with self._asking:
                if kid not in self._keys or self._are_old():
                    await self._ask_again()
        if self._are_old():
            raise KeysAwayError
        return self._keys.get(kid)

    async def keep_fresh(self) -> None:
        """Asks for the keys before anybody needs them, and again every five minutes: what was withdrawn is gone by then."""
        while True:
            async with self._asking:
                fetched = await self._fetch()
            await asyncio.sleep(REFRESH_EVERY_S if fetched else RETRY_EVERY_S)

    async def close(self) -> None:
        """Closes connections."""
        await self._transport.aclose()

    def _are_old(self) -> bool:
        return time.monotonic() - self._fetched_at > KEYS_KEPT_S

    async def _ask_again(self) -> None:
        if time.monotonic() - self._asked_at >= ASK_AGAIN_AFTER_S:
            await self._fetch()

    async def _fetch(self) -> bool:
        self._asked_at = time.monotonic()
        try:
            keys = read_keys(await self._ask())
        except (OSError, ValueError, pyqwest.RemoteProtocolError, pyqwest.ReadError, pyqwest.WriteError) as error:
            log.warning("provider_keys_not_fetched", error=type(error).__name__, reason=str(error)[:200])
            return False
        self._keys, self._fetched_at = keys, time.monotonic()
        return True

    async def _ask(self) -> bytes:
        async with self._client.stream("GET", self._url, {"accept": "application/json"}) as response:
            body = bytearray()
            async for chunk in response.content:
                body += chunk
                if len(body) > _ANSWER_LIMIT_BYTES:
                    raise ValueError("the answer is too long")
        if response.status != 200:
            raise ValueError(f"status {response.status}")
        return bytes(body)


@asynccontextmanager
async def keep_keys(url: str) -> AsyncIterator[ProviderKeys]:
    """The keys at a JWKS address, kept fresh beside the block until it ends."""
    keys = ProviderKeys(url)
    keeper = asyncio.create_task(keys.keep_fresh())
    try:
        yield keys
    finally:
        keeper.cancel()
        with suppress(asyncio.CancelledError):
            await keeper
        await keys.close()


class _KeySet(msgspec.Struct, frozen=True):
    keys: list[dict[str, Any]]


def read_keys(raw: bytes) -> dict[str, PublicKey]:
    """The keys of a JWKS document that may sign tokens, by id. Raises ValueError; what is of another kind is left out."""
    keys: dict[str, PublicKey] = {}
    for found in msgspec.json.decode(raw, type=_KeySet).keys:
        algorithm = ALGORITHMS.get(str(found.get("kty")))
        if algorithm is None or found.get("use", "sig") != "sig" or found.get("alg", algorithm) != algorithm:
            continue
        with suppress(jwt.PyJWKError, jwt.InvalidKeyError):
            key = jwt.PyJWK(found, algorithm=algorithm).key
            if found.get("kid") and _is_strong(key):
                keys[str(found["kid"])] = key
    return keys


def _is_strong(key: object) -> bool:
    if isinstance(key, RSAPublicKey):
        return key.key_size >= SHORTEST_RSA_BITS
    return isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1)


async def read_token(token: str, keys: ProviderKeys, trust: Trust) -> dict[str, Any]:
    """The claims of a token. Raises TokenInvalidError, TokenOldError, KeysAwayError."""
    if len(token) > LONGEST_TOKEN:
        raise TokenInvalidError("too long")
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError as error:
        raise TokenInvalidError(type(error).__name__) from None
    kid, algorithm = header.get("kid"), header.get("alg")
    if not isinstance(kid, str) or algorithm not in ALGORITHMS.values():
        raise TokenInvalidError("no key id, or an algorithm that is not taken")
    if str(header.get("typ", TYPES[0])).lower() not in TYPES or "crit" in header:
        raise TokenInvalidError("a token of another kind")
    key = await keys.find(kid)
    if key is None or ALGORITHMS["RSA" if isinstance(key, RSAPublicKey) else "EC"] != algorithm:
        raise TokenInvalidError("signed with no key of the provider")
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            issuer=trust.issuer,
            audience=trust.audience,
            leeway=LEEWAY_S,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )
    except jwt.ExpiredSignatureError:
        raise TokenOldError("expired") from None
    except jwt.PyJWTError as error:
        raise TokenInvalidError(type(error).__name__) from None
    if time.time() - float(claims["iat"]) > trust.max_age_s + LEEWAY_S:
        raise TokenOldError("signed in too long ago")
    return claims
