"""Who sends: requests of the agency are signed after Standard Webhooks, over the bytes of the body before they were packed.

The window of five minutes around `webhook-timestamp` is measured on this machine's own clock, also where the local
clock was moved ahead: it is about the journey of a request, not about the life of a participant.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from contextlib import suppress
from functools import cache
from typing import Any

import structlog
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from standardwebhooks.webhooks import Webhook

from app.platform.problems import Problem

log = structlog.get_logger()

MAX_SIGNATURE_CHARACTERS = 1000
TOLERANCE_S = 5 * 60
STAMP = re.compile(r"[0-9]{1,15}")


class SignatureInvalid(Problem):
    status, code, title = 401, "signature_invalid", "The signature is missing or wrong"
    indonesian = (
        "Tanda tangan tidak ada, salah, atau meleset lebih dari 5 menit."
        " Tandatangani `id.timestamp.body` atas byte isi permintaan sebelum dimampatkan dengan salah satu rahasia Anda."
    )
    english = (
        "The signature is missing, wrong, or more than 5 minutes off."
        " Sign `id.timestamp.body` over the very bytes of the body, before they are packed, with one of your secrets."
    )


@cache
def _webhooks(secrets: str) -> tuple[Webhook, ...]:
    """One for each secret, every one valid: so secrets are rotated. A malformed one is logged and opens nothing."""
    webhooks = []
    for secret in filter(None, (part.strip() for part in secrets.split(","))):
        try:
            webhooks.append(Webhook(secret))
        except Exception as error:
            log.error("feed_secret_malformed", error=type(error).__name__)  # noqa: TRY400 - a trace would show the secret
    return tuple(webhooks)


def is_signed(secrets: str, headers: dict[str, str], raw: bytes) -> bool:
    """Whether one of the signatures was made with one of the secrets. Anything malformed is not signed."""
    if len(headers.get("webhook-signature", "")) > MAX_SIGNATURE_CHARACTERS:
        return False
    for webhook in _webhooks(secrets):
        try:
            webhook.verify(raw, headers, json_parse=False)
        except Exception:  # noqa: S112 - the library raises what it meets: ValueError, binascii.Error, UnicodeDecodeError
            continue
        return True
    return False


class SignatureOfParts:
    """The same for a body that is never in memory as a whole. Raises SignatureInvalid at once when it is stale."""

    def __init__(self, secrets: str, headers: dict[str, str]) -> None:
        message, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        if not message or not STAMP.fullmatch(stamp) or abs(time.time() - int(stamp)) > TOLERANCE_S:
            raise SignatureInvalid
        given = headers.get("webhook-signature", "")[:MAX_SIGNATURE_CHARACTERS].split(" ")
        self._given = [part.removeprefix("v1,") for part in given if part.startswith("v1,")]
        begin = f"{message}.{stamp}.".encode()
        self._macs = [hmac.new(key, begin, hashlib.sha256) for key in _keys(secrets)]

    def update(self, part: bytes) -> None:
        """The next part of the body, unpacked."""
        for mac in self._macs:
            mac.update(part)

    def require(self) -> None:
        """Raises SignatureInvalid unless the parts so far were signed."""
        made = [base64.b64encode(mac.digest()).decode() for mac in self._macs]
        if not any(hmac.compare_digest(one.encode(), other.encode()) for one in made for other in self._given):
            raise SignatureInvalid


def _keys(secrets: str) -> list[bytes]:
    keys = []
    for secret in filter(None, (part.strip() for part in secrets.split(","))):
        with suppress(ValueError):  # `_webhooks` logs it
            keys.append(base64.b64decode(secret.removeprefix("whsec_"), validate=True))
    return [key for key in keys if key]


async def require_signature(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """A guard: runs before the body is decoded. Raises SignatureInvalid."""
    raw: bytes = connection.scope["state"].get("unpacked", b"")
    if not is_signed(connection.app.state.settings.feed_secrets, dict(connection.headers), raw):
        raise SignatureInvalid
