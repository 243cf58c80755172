# mypy: untyped-calls-exclude="firebase_admin,google"
"""Firebase Cloud Messaging: Google's credentials and messages through firebase-admin, the transport ours.

The SDK's own sender raises for a whole batch on one odd reply, ignores Retry-After and refreshes its token
in the event loop; its credentials, message classes and encoder are what a dispatcher needs.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import lru_cache, partial
from json.encoder import encode_basestring_ascii as quote

import google.auth.credentials
import google.auth.exceptions
import pyqwest
from firebase_admin import credentials, messaging
from google.auth.transport.requests import Request as GoogleRequest
from msgspec.structs import replace

from app.platform.fcm_replies import read_outcome
from app.platform.outcomes import Misconfigured, Outcome, Rejected, RetryLater
from app.platform.push import LONGEST_TTL_S, Push
from app.platform.push_grants import Failure, Grant, Grants, Refused
from app.platform.push_http import OVERLOADED_AFTER_S, PushClient

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"

_TOKEN_TIMEOUT_S = 10.0

# What stands in a template where each push has its own; no text of ours has anything like them.
_VALUE, _ID, _SEQ = "{value of this target}", "{id of this delivery}", 7_239_481_650_327_418


class Fcm:
    """One connection pool and one access token for all sends of a process. `close()` it at the end."""

    def __init__(self, base_url: str, credentials_path: str = "", timeout_s: float = 15.0) -> None:
        """`credentials_path`: a service-account file; empty means Google's application default."""
        self._base_url = base_url.rstrip("/")
        self._grants = Grants(partial(_fetch_grant, credentials_path))
        # Decided here, not by negotiation: a crowd of first sends that is switched over to HTTP/2 loses some.
        secure = self._base_url.startswith("https:")
        self._client = PushClient(timeout_s, pyqwest.HTTPVersion.HTTP2 if secure else None)

    async def send(self, push: Push) -> Outcome:
        """One attempt, and a second only where a 401 asks for a fresh access token. Raises for no answer."""
        try:
            message = encode_message(push)
        except ValueError:
            return Rejected("UNENCODABLE")
        return await self._grants.send(lambda grant: self._post(grant, message))

    async def close(self) -> None:
        """Closes connections; sends under way end as RetryLater."""
        await self._client.close()

    async def _post(self, grant: Grant, message: bytes) -> Outcome | Refused:
        url = f"{self._base_url}/v1/projects/{grant.project_id}/messages:send"
        headers = {"authorization": f"Bearer {grant.token}", "content-type": "application/json"}
        reply = await self._client.post(url, headers, message)
        if isinstance(reply, RetryLater):
            return reply
        outcome = read_outcome(reply, datetime.now(UTC))
        if reply.status == 401 and isinstance(outcome, Misconfigured) and outcome.scope == "provider":
            return Refused(outcome)
        return outcome


def encode_message(push: Push) -> bytes:
    """The request body for `messages:send`, as the SDK encodes it. Raises ValueError for what FCM forbids."""
    if not push.value:
        raise ValueError("a push needs a target")
    if push.jwe or push.from_seq is not None:
        return encode_by_sdk(push).encode()
    own = {"value": quote(push.value)[1:-1], "id": quote(push.delivery_id)[1:-1], "seq": push.seq}
    return (_template(replace(push, value=_VALUE, delivery_id=_ID, seq=_SEQ)) % own).encode()


@lru_cache(maxsize=256)
def _template(push: Push) -> str:
    """What all pushes like this one have in common: the SDK takes twenty times as long as filling it in."""
    text = encode_by_sdk(push).replace("%", "%%")
    for mark, own in ((_VALUE, "value"), (_ID, "id"), (str(_SEQ), "seq")):
        text = text.replace(mark, f"%({own})s")
    return text


def encode_by_sdk(push: Push) -> str:
    """The same, slowly."""
    data = {"v": "1", "seq": str(push.seq), "class": push.entry_class, "id": push.delivery_id}
    if push.from_seq is not None:
        data["from_seq"] = str(push.from_seq)
    if push.jwe:
        data["jwe"] = push.jwe
    message = messaging.Message(
        data=data,
        notification=messaging.Notification(title=push.title, body=push.body),
        android=messaging.AndroidConfig(
            priority="high" if push.urgent else "normal",
            ttl=min(push.ttl_s, LONGEST_TTL_S),
            notification=messaging.AndroidNotification(tag=push.delivery_id),
        ),
        apns=messaging.APNSConfig(
            headers={"apns-collapse-id": push.delivery_id, "apns-priority": "10" if push.urgent else "5"},
            # Lets an app on an iPhone decrypt and replace the text before it is shown.
            payload=messaging.APNSPayload(messaging.Aps(mutable_content=True)) if push.jwe else None,
        ),
        webpush=messaging.WebpushConfig(
            headers={"Urgency": "high" if push.urgent else "normal"},
            notification=messaging.WebpushNotification(tag=push.delivery_id),
        ),
    )
    # Set afterwards: the constructor warns about tokens, which older phones still report.
    setattr(message, push.kind, push.value)
    return f'{{"message": {message}}}'


def _read_credentials(path: str) -> tuple[google.auth.credentials.Credentials, str | None]:
    if path:
        certificate = credentials.Certificate(path)
        return certificate.get_credential(), certificate.project_id
    default = credentials.ApplicationDefault()
    return default.get_credential(), default.project_id


def _fetch_grant(path: str) -> Grant | Failure:
    """Blocking. Reads the file anew each time, so that a rotated key needs no restart."""
    try:
        credential, project_id = _read_credentials(path)
        if isinstance(credential, google.auth.credentials.Scoped):
            credential = credential.with_scopes([SCOPE])  # type: ignore[no-untyped-call]
        credential.refresh(partial(GoogleRequest(), timeout=_TOKEN_TIMEOUT_S))
    except (OSError, ValueError, google.auth.exceptions.DefaultCredentialsError) as error:
        return Misconfigured(f"FCM credentials cannot be read ({type(error).__name__}): check SEPAKAT_FCM_CREDENTIALS")
    except google.auth.exceptions.TransportError:
        return RetryLater(OVERLOADED_AFTER_S, "token_endpoint_unreachable", provider_wide=True)
    except google.auth.exceptions.GoogleAuthError as error:
        if error.retryable:
            return RetryLater(OVERLOADED_AFTER_S, "token_endpoint_unavailable", provider_wide=True)
        return Misconfigured("Google refuses the FCM credentials: is the key of SEPAKAT_FCM_CREDENTIALS still valid?")
    if not project_id or not credential.token:
        return Misconfigured("The FCM credentials name no project: use a service-account file with project_id")
    expires_at = credential.expiry.replace(tzinfo=UTC).timestamp() if credential.expiry else time.time() + 600
    return Grant(project_id, credential.token, expires_at)
