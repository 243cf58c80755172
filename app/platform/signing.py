"""The keys that sign receipts, exports and roots, and JWS (RFC 7515) with them.

Ed25519 (`alg: EdDSA`, RFC 8037): signatures are 64 bytes as `cryptography` gives them, deterministic, and no second
signature of the same bytes can be made from the first. The key file is PEM, newest key first: the first private key
signs, every key is published. A key whose private half is destroyed stays in the file as a `PUBLIC KEY` block, so that
what it signed can be checked for ever.
"""

from __future__ import annotations

import hashlib
import os
import re
from base64 import urlsafe_b64encode
from functools import lru_cache
from pathlib import Path

import msgspec
import rfc8785
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from litestar import Response, get
from litestar.di import NamedDependency

from app.settings import Settings, SettingsError

BLOCK = re.compile(rb"-----BEGIN (PRIVATE|PUBLIC) KEY-----.+?-----END \1 KEY-----", re.DOTALL)
PUBLISHED_FOR_S = 3600


class PublicKey(msgspec.Struct, frozen=True):
    """A key as JWK (RFC 8037). `kid` is its thumbprint (RFC 7638)."""

    kty: str
    crv: str
    x: str
    kid: str
    alg: str
    use: str


class KeySet(msgspec.Struct, frozen=True):
    """All keys that ever signed here, newest first (RFC 7517)."""

    keys: list[PublicKey]


class Signed(msgspec.Struct, frozen=True):
    """A JWS in flattened JSON serialization: each member is base64url."""

    payload: str
    protected: str
    signature: str


class SigningKeys:
    """The first private key of a key file signs; `published` are all of its keys."""

    def __init__(self, pem: bytes) -> None:
        """Raises ValueError, saying what is wrong with the file."""
        self._private: Ed25519PrivateKey | None = None
        published: list[PublicKey] = []
        for block in BLOCK.finditer(pem):
            key = _read_block(block.group(), private=block.group(1) == b"PRIVATE")
            if isinstance(key, Ed25519PrivateKey):
                self._private = self._private or key
                key = key.public_key()
            published.append(_describe(key))
        if self._private is None:
            raise ValueError("it holds no private key")
        if len({key.kid for key in published}) != len(published):
            raise ValueError("a key stands in it twice")
        self.published = KeySet(keys=published)
        self.kid = _describe(self._private.public_key()).kid

    def sign(self, payload: bytes, *, type_: str) -> Signed:
        """`type_` stands in the protected header, so that a signature for one purpose passes for no other."""
        if self._private is None:
            raise ValueError("it holds no private key")
        protected = _base64url(rfc8785.dumps({"alg": "EdDSA", "kid": self.kid, "typ": type_}))
        body = _base64url(payload)
        signature = self._private.sign(f"{protected}.{body}".encode())
        return Signed(payload=body, protected=protected, signature=_base64url(signature))


@lru_cache(maxsize=4)
def read_signing_keys(path: str) -> SigningKeys:
    """The keys of `SEPAKAT_RECEIPT_KEYS`, read once in a process. Raises SettingsError, saying what to do."""
    if not path:
        raise SettingsError(
            "SEPAKAT_RECEIPT_KEYS is not set: `sepakat keys add FILE` makes one; beside `make run`: `. .local/environment`"
        )
    try:
        return SigningKeys(Path(path).read_bytes())
    except (OSError, ValueError) as error:
        raise SettingsError(f"SEPAKAT_RECEIPT_KEYS: {path}: {error}") from error


def add_key(path: Path) -> str:
    """Appends a fresh key to the file, made if missing and readable by its owner only. Returns its kid.

    It is published from the next start on, and signs once `put_first` has been called: by then everybody who keeps the
    published keys for an hour knows it.
    """
    key = _generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb") as file:
        file.write(pem)
    return _describe(key.public_key()).kid


def put_first(path: Path, kid: str) -> None:
    """Moves the key of this id to the front of the file: it signs from the next start on. Raises ValueError."""
    blocks = [block.group() for block in BLOCK.finditer(path.read_bytes())]
    chosen = [block for block in blocks if b"PRIVATE" in block and SigningKeys(block).kid == kid]
    if not chosen:
        raise ValueError(f"no private key {kid} in {path}")
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(b"".join(block + b"\n" for block in chosen + [block for block in blocks if block not in chosen]))
    new.replace(path)


def _generate() -> Ed25519PrivateKey:
    """A key whose kid a command line does not take for an option: one of 64 thumbprints begins with a hyphen."""
    while True:
        key = Ed25519PrivateKey.generate()
        if not _describe(key.public_key()).kid.startswith("-"):
            return key


def _read_block(pem: bytes, *, private: bool) -> Ed25519PrivateKey | Ed25519PublicKey:
    try:
        key = load_pem_private_key(pem, None) if private else load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError(f"a key cannot be read: {error}") from error
    if not isinstance(key, Ed25519PrivateKey | Ed25519PublicKey):
        raise ValueError("only Ed25519 keys are taken")  # noqa: TRY004
    return key


def _describe(key: Ed25519PublicKey) -> PublicKey:
    x = _base64url(key.public_bytes(Encoding.Raw, PublicFormat.Raw))
    thumbprint = hashlib.sha256(rfc8785.dumps({"crv": "Ed25519", "kty": "OKP", "x": x})).digest()
    return PublicKey(kty="OKP", crv="Ed25519", x=x, kid=_base64url(thumbprint), alg="EdDSA", use="sig")


def _base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


@get("/.well-known/jwks.json", opt={"public": True, "transaction": False}, tags=["machines"])
async def show_keys(settings: NamedDependency[Settings]) -> Response[KeySet]:
    """The public keys of receipts, exports and roots, newest first; old ones stay."""
    keys = read_signing_keys(settings.receipt_keys)
    headers = {"Cache-Control": f"public, max-age={PUBLISHED_FOR_S}"}
    return Response(keys.published, headers=headers)
