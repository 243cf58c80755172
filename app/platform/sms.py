"""Short messages, by POST to a gateway that takes `{id, to, text}` and answers 2xx with the same `id`."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pyqwest

from app.platform.outcomes import Accepted, Rejected, RetryLater
from app.platform.retry_after import read_retry_after

_AFTER_S = 10.0
_CLOSED_AFTER_S = 60.0
_ANSWER_LIMIT_BYTES = 64 * 1024


class Sms(msgspec.Struct, frozen=True):
    """`id` stays the same on every retry; the gateway sends one message for it, however often it is asked."""

    id: str
    to: str
    text: str

    def __repr__(self) -> str:
        return f"Sms(id={self.id!r})"  # the text may be a one-time code


class _Taken(msgspec.Struct, frozen=True):
    id: str


class SmsGateway:
    """One connection pool to the gateway at `url`. `close()` it at the end."""

    def __init__(self, url: str, timeout_s: float = 10.0) -> None:
        self._url = url
        self._transport = pyqwest.HTTPTransport(
            tls_include_system_certs=True,
            http_version=pyqwest.HTTPVersion.HTTP1,
            timeout=timeout_s,
            connect_timeout=timeout_s,
            follow_redirects=False,
        )
        self._client = pyqwest.Client(self._transport)

    async def send(self, sms: Sms) -> Accepted | RetryLater | Rejected:
        """One attempt. Raises for no answer."""
        headers = {"content-type": "application/json", "idempotency-key": sms.id}
        try:
            async with self._client.stream("POST", self._url, headers, msgspec.json.encode(sms)) as response:
                body = bytearray()
                async for chunk in response.content:
                    body += chunk
                    if len(body) > _ANSWER_LIMIT_BYTES:
                        break
        except TimeoutError:
            return RetryLater(_AFTER_S, "unknown_timeout", provider_wide=False)
        except ConnectionError:
            return RetryLater(_AFTER_S, "unreachable", provider_wide=True)
        except (OSError, pyqwest.RemoteProtocolError, pyqwest.ReadError, pyqwest.WriteError):
            return RetryLater(_AFTER_S, "unknown_connection_lost", provider_wide=False)
        return _read_outcome(response, bytes(body), sms)

    async def close(self) -> None:
        """Closes connections; sends under way end as RetryLater."""
        await self._transport.aclose()


def _read_outcome(response: pyqwest.Response, body: bytes, sms: Sms) -> Accepted | RetryLater | Rejected:
    headers = response.headers
    told_s = read_retry_after(headers.get("retry-after", ""), headers.get("date", ""), datetime.now(UTC))
    match response.status:
        case 200 | 201 | 202:
            return _read_taken(body, sms)
        case 400 | 409 | 413 | 422 as status:
            return Rejected(f"HTTP_{status}")
        case 401 | 403 | 404 as status:
            # Our key or address is wrong: the message is good and waits until that is put right.
            return RetryLater(told_s or _CLOSED_AFTER_S, f"gateway_refused_{status}", provider_wide=True)
        case 429 | 503 as status:
            return RetryLater(told_s or _CLOSED_AFTER_S, f"gateway_busy_{status}", provider_wide=True)
        case status:
            return RetryLater(told_s or _AFTER_S, f"unknown_status_{status}", provider_wide=False)


def _read_taken(body: bytes, sms: Sms) -> Accepted | RetryLater:
    try:
        taken = msgspec.json.decode(body, type=_Taken)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        taken = _Taken("")
    if taken.id != sms.id:
        return RetryLater(_AFTER_S, "unknown_reply", provider_wide=False)
    return Accepted(taken.id)
