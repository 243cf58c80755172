"""Huawei's Push Kit, for phones without Google's services: one HTTP request per push, like FCM's and with its outcomes.

Source: https://developer.huawei.com/consumer/en/doc/HMSCore-References/https-send-api-0000001050986197
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated
from urllib.parse import urlencode

import msgspec
import pyqwest
import structlog

from app.platform.hms_replies import TOO_URGENT, AccessToken, read_access_token, read_outcome
from app.platform.outcomes import Accepted, Misconfigured, Outcome, RetryLater, Unregistered
from app.platform.push import Push
from app.platform.push_grants import Failure, Grant, Grants, Refused
from app.platform.push_http import OVERLOADED_AFTER_S, PushClient, Reply

log = structlog.get_logger()

LONGEST_TTL_S = 15 * 24 * 3600

_TOKEN_TIMEOUT_S = 10.0
_OPEN_THE_APP = 3
_Word = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9._-]{1,128}$")]


class Credentials(msgspec.Struct, frozen=True):
    """The file of SEPAKAT_HMS_CREDENTIALS (JSON), from AppGallery Connect, Project settings."""

    app_id: _Word
    client_id: _Word
    client_secret: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]

    def __repr__(self) -> str:
        return f"Credentials(app_id={self.app_id!r})"


class Hms:
    """One connection pool and one access token for all sends of a process. `close()` it at the end."""

    def __init__(self, base_url: str, token_url: str, credentials_path: str, timeout_s: float = 15.0) -> None:
        self._base_url = base_url.rstrip("/")
        self._grants = Grants(partial(_fetch_grant, token_url, Path(credentials_path)))
        self._client = PushClient(timeout_s, pyqwest.HTTPVersion.HTTP1)  # Huawei promises no HTTP/2
        self._may_hurry = True
        self._served = ""  # the app for which a push was taken last

    async def send(self, push: Push) -> Outcome:
        """One attempt; a second only where a fresh access token or less urgency is asked for. Raises for no answer."""
        urgent = push.urgent and self._may_hurry
        outcome = await self._send(push, urgent=urgent)
        if outcome != TOO_URGENT or not urgent:
            return outcome
        # Told a little later is better than not told.
        self._may_hurry = False
        log.error("hms_may_not_hurry", reason=TOO_URGENT.reason)
        return await self._send(push, urgent=False)

    async def close(self) -> None:
        """Closes connections; sends under way end as RetryLater."""
        await self._client.close()

    async def _send(self, push: Push, *, urgent: bool) -> Outcome:
        message = encode_message(push, urgent=urgent)
        return await self._grants.send(lambda grant: self._post(grant, push.value, message))

    async def _post(self, grant: Grant, token: str, message: bytes) -> Outcome | Refused:
        url = f"{self._base_url}/v1/{grant.project_id}/messages:send"
        headers = {"authorization": f"Bearer {grant.token}", "content-type": "application/json; charset=UTF-8"}
        reply = await self._client.post(url, headers, message)
        if isinstance(reply, RetryLater):
            return reply
        outcome = read_outcome(reply, token, datetime.now(UTC))
        if isinstance(outcome, Accepted):
            self._served = grant.project_id
        if isinstance(outcome, Unregistered) and self._served != grant.project_id:
            # With the credentials of another app every token is called invalid. No target goes before one was served.
            return RetryLater(OVERLOADED_AFTER_S, "invalid_token_unproven", provider_wide=False)
        return outcome


def encode_message(push: Push, *, urgent: bool) -> bytes:
    """The request body for `messages:send`."""
    data = {"v": "1", "seq": str(push.seq), "class": push.entry_class, "id": push.delivery_id}
    if push.from_seq is not None:
        data["from_seq"] = str(push.from_seq)
    if push.jwe:
        data["jwe"] = push.jwe
    android = {
        "urgency": "HIGH" if urgent else "NORMAL",
        "ttl": f"{min(push.ttl_s, LONGEST_TTL_S)}s",
        "notification": {
            "title": push.title,
            "body": push.body,
            "click_action": {"type": _OPEN_THE_APP},
            "tag": push.delivery_id,  # the same on every try: doubles replace themselves
        },
    }
    message = {"android": android, "data": msgspec.json.encode(data).decode(), "token": [push.value]}
    return msgspec.json.encode({"validate_only": False, "message": message})


def _fetch_grant(token_url: str, path: Path) -> Grant | Failure:
    """Blocking. Reads the file anew each time, so that a rotated secret needs no restart."""
    try:
        own = msgspec.json.decode(path.read_bytes(), type=Credentials)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Misconfigured(f"HMS credentials cannot be read ({type(error).__name__}): check SEPAKAT_HMS_CREDENTIALS")
    form = {"grant_type": "client_credentials", "client_id": own.client_id, "client_secret": own.client_secret}
    headers = {"content-type": "application/x-www-form-urlencoded"}
    transport = pyqwest.SyncHTTPTransport(tls_include_system_certs=True, follow_redirects=False)
    try:
        answer = pyqwest.SyncClient(transport).post(
            token_url, headers, urlencode(form).encode(), timeout=_TOKEN_TIMEOUT_S
        )
    except (OSError, pyqwest.RemoteProtocolError, pyqwest.ReadError, pyqwest.WriteError):
        return RetryLater(OVERLOADED_AFTER_S, "token_endpoint_unreachable", provider_wide=True)
    finally:
        transport.close()
    given = read_access_token(Reply(answer.status, answer.content), datetime.now(UTC))
    if not isinstance(given, AccessToken):
        return given
    return Grant(own.app_id, given.value, time.time() + given.expires_in)
