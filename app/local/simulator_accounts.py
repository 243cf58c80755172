"""Google's side of a service account: the key file, the OAuth2 token endpoint, and the tokens it gave out.

Source: https://developers.google.com/identity/protocols/oauth2/service-account
"""

from __future__ import annotations

import os
import secrets
import time
from pathlib import Path
from urllib.parse import parse_qs

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

PROJECT_ID = "sepakat-local"
TOKEN_LIFE_S = 3599

_GOOGLE_AUDIENCE = "https://oauth2.googleapis.com/token"
_SCOPES = frozenset(
    {
        "https://www.googleapis.com/auth/firebase.messaging",
        "https://www.googleapis.com/auth/cloud-platform",
    }
)
_LEEWAY_S = 300


class AccountError(ValueError):
    """The service-account file cannot serve the simulator; the message says what to do."""


class GrantRefusedError(ValueError):
    """The assertion does not hold; the message is OAuth2's error_description."""


class _AccountFile(msgspec.Struct, frozen=True):
    project_id: str
    private_key_id: str
    private_key: str
    client_email: str
    token_uri: str
    type: str = "service_account"
    client_id: str = "100000000000000000000"
    auth_uri: str = "https://accounts.google.com/o/oauth2/auth"
    universe_domain: str = "googleapis.com"


class _Header(msgspec.Struct, frozen=True):
    alg: str


class _Claims(msgspec.Struct, frozen=True):
    iss: str
    aud: str
    scope: str
    iat: int
    exp: int


def write_service_account(path: Path, base_url: str) -> None:
    """Creates the file once, mode 0600; later only its `token_uri` follows `base_url`, and its key stays.

    Raises AccountError for a file that is not the simulator's own: a real account is never touched.
    """
    token_uri = f"{base_url.rstrip('/')}/token"
    if path.exists():
        account = msgspec.structs.replace(_read_account(path), token_uri=token_uri)
    else:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        account = _AccountFile(
            project_id=PROJECT_ID,
            private_key_id=secrets.token_hex(20),
            private_key=pem.decode(),
            client_email=f"simulator@{PROJECT_ID}.iam.gserviceaccount.com",
            token_uri=token_uri,
        )
    write_private(path, msgspec.json.format(msgspec.json.encode(account)))


class TokenEndpoint:
    """Turns signed assertions into access tokens. Forgets them on a restart: clients must cope with a 401."""

    def __init__(self, path: Path) -> None:
        account = _read_account(path)
        self._client_email = account.client_email
        self._audiences = {account.token_uri, _GOOGLE_AUDIENCE}
        key = serialization.load_pem_private_key(account.private_key.encode(), password=None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise AccountError(f"{path}: the key is not RSA; delete the file and start again")
        self._public_key = key.public_key()
        self._valid_until: dict[str, float] = {}
        self.issued = 0

    def grant(self, form: bytes) -> str:
        """An access token for a JWT-bearer grant (RFC 7523). Raises GrantRefusedError."""
        fields = parse_qs(form.decode("ascii", "replace"))
        if fields.get("grant_type") != ["urn:ietf:params:oauth:grant-type:jwt-bearer"]:
            raise GrantRefusedError("Invalid grant_type.")
        self._check(fields.get("assertion", [""])[0])
        token = f"ya29.{secrets.token_urlsafe(48)}"
        self._valid_until[token] = time.time() + TOKEN_LIFE_S
        self.issued += 1
        return token

    def knows(self, authorization: str) -> bool:
        """Whether this Authorization header carries a living token of ours."""
        scheme, _, token = authorization.partition(" ")
        return scheme.lower() == "bearer" and self._valid_until.get(token, 0.0) > time.time()

    def _check(self, assertion: str) -> None:
        signed, _, signature = assertion.rpartition(".")
        header, _, claims = signed.partition(".")
        try:
            if msgspec.json.decode(_unbase64(header), type=_Header).alg != "RS256":
                raise GrantRefusedError("Invalid JWT: alg must be RS256.")
            said = msgspec.json.decode(_unbase64(claims), type=_Claims)
            self._public_key.verify(_unbase64(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature as error:
            raise GrantRefusedError("Invalid JWT Signature.") from error
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise GrantRefusedError("Invalid JWT: Failed to decode.") from error
        now = time.time()
        if said.iss != self._client_email:
            raise GrantRefusedError("Invalid grant: account not found")
        if said.aud not in self._audiences:
            raise GrantRefusedError("Invalid JWT: wrong audience.")
        if said.exp < now or said.iat > now + _LEEWAY_S or said.exp - said.iat > 3600:
            raise GrantRefusedError("Invalid JWT: Token must be a short-lived token (60 minutes).")
        if not _SCOPES.intersection(said.scope.split()):
            raise GrantRefusedError("Invalid OAuth scope or ID token audience provided.")


def _unbase64(part: str) -> bytes:
    """Unpadded base64url. Raises msgspec.ValidationError for anything else."""
    padded = part.replace("-", "+").replace("_", "/") + "=" * (-len(part) % 4)
    return msgspec.convert(padded, bytes)


def _read_account(path: Path) -> _AccountFile:
    try:
        account = msgspec.json.decode(path.read_bytes(), type=_AccountFile)
    except (OSError, msgspec.MsgspecError) as error:
        raise AccountError(f"{path} is no service-account file of the simulator; delete it: {error}") from error
    if account.project_id != PROJECT_ID:
        raise AccountError(
            f"{path} belongs to project {account.project_id}, not to the simulator; "
            "unset SEPAKAT_FCM_CREDENTIALS, or do not start the simulator"
        )
    return account


def write_private(path: Path, content: bytes) -> None:
    """Whole or not at all, and never readable by others, not even for a moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.read_bytes() == content:
        return
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    draft.replace(path)
