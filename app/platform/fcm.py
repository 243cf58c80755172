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
import msgspec
import pyqwest
from firebase_admin import credentials, messaging
from google.auth.transport.requests import Request as GoogleRequest
from msgspec.structs import replace

from app.platform.fcm_grants import Failure, Grant, Grants
from app.platform.fcm_replies import OVERLOADED_AFTER_S, Reply, read_outcome
from app.platform.outcomes import Misconfigured, Outcome, Rejected, RetryLater
from app.platform.push import LONGEST_TTL_S, Push

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"

_ANSWER_LIMIT_BYTES = 64 * 1024
_TOKEN_TIMEOUT_S = 10.0

# What stands in a template where each push has its own; no text of ours has anything like them.
_VALUE, _ID, _SEQ = "{value of this target}", "{id of this delivery}", 7_239_481_650_327_418


class Fcm:
    """One connection pool and one access token for all sends of a process. `close()` it at the end."""

    def __init__(self, base_url: str, credentials_path: str = "", timeout_s: float = 15.0) -> None:
        """`credentials_path`: a service-account file; empty means Google's application default."""
        self._base_url = base_url.rstrip("/")
        self._grants = Grants(partial(_fetch_grant, credentials_path))
        # No redirects: they would carry the bearer token to wherever the answer points.
        self._transport = pyqwest.HTTPTransport(
            tls_include_system_certs=True,
            # Decided here, not by negotiation: a crowd of first sends that is switched over to HTTP/2 loses some.
            http_version=pyqwest.HTTPVersion.HTTP2 if self._base_url.startswith("https:") else None,
            timeout=timeout_s,
            connect_timeout=min(timeout_s, 10.0),
            pool_max_idle_per_host=100,
            follow_redirects=False,
            # Each costs a tenth or more of a send, and an answer of FCM is shorter than its compression.
            enable_otel=False,
            enable_gzip=False,
            enable_brotli=False,
            enable_zstd=False,
        )

    async def send(self, push: Push) -> Outcome:
        """One attempt, and a second only where a 401 asks for a fresh access token. Raises for no answer."""
        try:
            message = encode_message(push)
        except ValueError:
            return Rejected("UNENCODABLE")
        grant = await self._grants.current()
        if not isinstance(grant, Grant):
            return grant
        outcome = await self._post(grant, message)
        if not isinstance(outcome, _Refused):
            return outcome
        grant = await self._grants.renew(grant)
        if not isinstance(grant, Grant):
            return grant
        outcome = await self._post(grant, message)
        return outcome.outcome if isinstance(outcome, _Refused) else outcome

    async def close(self) -> None:
        """Closes connections; sends under way end as RetryLater."""
        await self._transport.aclose()

    async def _post(self, grant: Grant, message: bytes) -> Outcome | _Refused:
        url = f"{self._base_url}/v1/projects/{grant.project_id}/messages:send"
        headers = pyqwest.Headers([("authorization", f"Bearer {grant.token}"), ("content-type", "application/json")])
        try:
            response = await self._transport.execute(pyqwest.Request("POST", url, headers, message))
            reply = await _read_reply(response)
        except TimeoutError:
            return RetryLater(OVERLOADED_AFTER_S, "unknown_timeout", provider_wide=False)
        except ConnectionError:
            return RetryLater(OVERLOADED_AFTER_S, "unreachable", provider_wide=True)
        except (OSError, pyqwest.RemoteProtocolError, pyqwest.ReadError, pyqwest.WriteError):
            return RetryLater(OVERLOADED_AFTER_S, "unknown_connection_lost", provider_wide=False)
        outcome = read_outcome(reply, datetime.now(UTC))
        if reply.status == 401 and isinstance(outcome, Misconfigured) and outcome.scope == "provider":
            return _Refused(outcome)
        return outcome


class _Refused(msgspec.Struct, frozen=True):
    """FCM did not take our access token."""

    outcome: Misconfigured


def encode_message(push: Push) -> bytes:
    """The request body for `messages:send`, as the SDK encodes it. Raises ValueError for what FCM forbids."""
    if not push.value:
        raise ValueError("a push needs a target")
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
    message = messaging.Message(
        data={"v": "1", "seq": str(push.seq), "class": push.entry_class, "id": push.delivery_id},
        notification=messaging.Notification(title=push.title, body=push.body),
        android=messaging.AndroidConfig(
            priority="high" if push.urgent else "normal",
            ttl=min(push.ttl_s, LONGEST_TTL_S),
            notification=messaging.AndroidNotification(tag=push.delivery_id),
        ),
        apns=messaging.APNSConfig(
            headers={"apns-collapse-id": push.delivery_id, "apns-priority": "10" if push.urgent else "5"}
        ),
        webpush=messaging.WebpushConfig(
            headers={"Urgency": "high" if push.urgent else "normal"},
            notification=messaging.WebpushNotification(tag=push.delivery_id),
        ),
    )
    # Set afterwards: the constructor warns about tokens, which older phones still report.
    setattr(message, push.kind, push.value)
    return f'{{"message": {message}}}'


async def _read_reply(response: pyqwest.Response) -> Reply:
    """Ends where the answer says that it ends, or at the limit: each further step would be a turn of the event loop."""
    headers = response.headers
    length = headers.get("content-length")
    body = bytearray()
    async for chunk in response.content:
        body += chunk
        if str(len(body)) == length:
            break
        if len(body) > _ANSWER_LIMIT_BYTES:
            await response.aclose()
            break
    return Reply(response.status, bytes(body), headers.get("retry-after", ""), headers.get("date", ""))


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
