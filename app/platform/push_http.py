"""What providers of pushes share: a connection pool, a reply of bounded size, and what becomes of a push without a reply."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec
import pyqwest

from app.platform.outcomes import RetryLater
from app.platform.retry_after import read_retry_after

OVERLOADED_AFTER_S = 10.0

_ANSWER_LIMIT_BYTES = 64 * 1024


class Reply(msgspec.Struct, frozen=True):
    """One HTTP answer: status, the two headers that matter (empty if absent), and the body's first bytes."""

    status: int
    body: bytes
    retry_after: str = ""
    date: str = ""


class PushClient:
    """One connection pool to one provider. `close()` it at the end."""

    def __init__(self, timeout_s: float, http_version: pyqwest.HTTPVersion | None) -> None:
        """`http_version` is spoken outright; None means whatever plain HTTP brings."""
        # No redirects: they would carry the bearer token to wherever the answer points.
        self._transport = pyqwest.HTTPTransport(
            tls_include_system_certs=True,
            http_version=http_version,
            timeout=timeout_s,
            connect_timeout=min(timeout_s, 10.0),
            pool_max_idle_per_host=100,
            follow_redirects=False,
            # Each costs a tenth or more of a send, and an answer is shorter than its compression.
            enable_otel=False,
            enable_gzip=False,
            enable_brotli=False,
            enable_zstd=False,
        )

    async def post(self, url: str, headers: Mapping[str, str], content: bytes) -> Reply | RetryLater:
        """One attempt. Raises for no answer; the provider may have taken what is `unknown_…`."""
        request = pyqwest.Request("POST", url, pyqwest.Headers(list(headers.items())), content)
        try:
            return await _read_reply(await self._transport.execute(request))
        except TimeoutError:
            return RetryLater(OVERLOADED_AFTER_S, "unknown_timeout", provider_wide=False)
        except ConnectionError:
            return RetryLater(OVERLOADED_AFTER_S, "unreachable", provider_wide=True)
        except (OSError, pyqwest.RemoteProtocolError, pyqwest.ReadError, pyqwest.WriteError):
            return RetryLater(OVERLOADED_AFTER_S, "unknown_connection_lost", provider_wide=False)

    async def close(self) -> None:
        """Closes connections; posts under way end as RetryLater."""
        await self._transport.aclose()


def read_wait_s(reply: Reply, now: datetime, default_s: float) -> float:
    """How long the provider asks to wait, in seconds; `default_s` when it does not say."""
    wait_s = read_retry_after(reply.retry_after, reply.date, now)
    return default_s if wait_s is None else wait_s


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
