"""Signed webhooks to one receiver, after Standard Webhooks (https://www.standardwebhooks.com)."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from standardwebhooks.webhooks import Webhook

from app.platform.outcomes import Accepted, Rejected, RetryLater
from app.platform.push_http import PushClient, Reply, read_wait_s

_AFTER_S = 10.0
_CLOSED_AFTER_S = 60.0


class Hook(msgspec.Struct, frozen=True):
    """`id` stays the same on every retry: the receiver knows doubles by it. `body` is JSON."""

    id: str
    body: bytes

    def __repr__(self) -> str:
        return f"Hook(id={self.id!r})"


class Receiver:
    """One connection pool to `url`; `secret` is `whsec_…`. `close()` it at the end."""

    def __init__(self, url: str, secret: str, timeout_s: float = 10.0) -> None:
        """Raises ValueError for a secret that is none."""
        self._url = url
        try:
            self._webhook = Webhook(secret)
        except Exception as error:
            raise ValueError("the secret of a webhook is whsec_ and base64") from error
        self._client = PushClient(timeout_s, None)

    async def send(self, hook: Hook) -> Accepted | RetryLater | Rejected:
        """One attempt, signed now. Any 2xx is taken. Raises for no answer."""
        now = datetime.now(UTC)
        headers = {
            "content-type": "application/json",
            "webhook-id": hook.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._webhook.sign(hook.id, now, hook.body.decode()),
        }
        reply = await self._client.post(self._url, headers, hook.body)
        return reply if isinstance(reply, RetryLater) else _read_outcome(reply, hook)

    async def close(self) -> None:
        """Closes connections; sends under way end as RetryLater."""
        await self._client.close()


def _read_outcome(reply: Reply, hook: Hook) -> Accepted | RetryLater | Rejected:
    now = datetime.now(UTC)
    match reply.status:
        case status if 200 <= status < 300:
            return Accepted(hook.id)
        case 400 | 409 | 410 | 413 | 422 as status:
            return Rejected(f"HTTP_{status}")
        case 401 | 403 | 404 as status:
            # Our secret or address is wrong: the event is good and waits until that is put right.
            return RetryLater(
                read_wait_s(reply, now, _CLOSED_AFTER_S), f"receiver_refused_{status}", provider_wide=True
            )
        case 429 | 503 as status:
            return RetryLater(read_wait_s(reply, now, _CLOSED_AFTER_S), f"receiver_busy_{status}", provider_wide=True)
        case status:
            return RetryLater(read_wait_s(reply, now, _AFTER_S), f"unknown_status_{status}", provider_wide=False)
