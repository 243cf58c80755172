# mypy: untyped-calls-exclude="firebase_admin"
"""Who else could send, each as a process of its own: `python -m tests.bench.senders NAME BASE_URL ACCOUNT AUTHORITY PUSHES`.

`firebase` is `send_each_async` of firebase-admin, in the batches of 500 that it takes; `transport` is pyqwest that posts one
prepared body over and over. Neither knows a database. Prints pushes per second.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from uuid import uuid4

import firebase_admin
import pyqwest
import uvloop
from firebase_admin import credentials, messaging

from app.platform.fcm import encode_message
from app.platform.push import Push

BATCH = 500
AT_ONCE = 50
WARM = 500
TEXT = {"title": "Ada kabar tentang kartu Anda", "body": "Buka aplikasi untuk membacanya."}


async def send_by_firebase(base_url: str, account: Path, _authority: Path, pushes: int) -> float:
    """Its messages are as ours: one notification with a tag, and data."""
    messaging._MessagingService.FCM_URL = f"{base_url}/v1/projects/{{0}}/messages:send"
    app = firebase_admin.initialize_app(credentials.Certificate(str(account)))

    def batch() -> list[messaging.Message]:
        ids = [str(uuid4()) for _ in range(BATCH)]
        return [
            messaging.Message(
                fid=f"fid-{one}",
                data={"v": "1", "seq": "7", "class": "card", "id": one},
                notification=messaging.Notification(**TEXT),
                android=messaging.AndroidConfig(
                    priority="normal", ttl=2_419_200, notification=messaging.AndroidNotification(tag=one)
                ),
                apns=messaging.APNSConfig(headers={"apns-collapse-id": one, "apns-priority": "5"}),
                webpush=messaging.WebpushConfig(
                    headers={"Urgency": "normal"}, notification=messaging.WebpushNotification(tag=one)
                ),
            )
            for one in ids
        ]

    async def send() -> None:
        answer = await messaging.send_each_async(batch(), app=app)
        if answer.failure_count:
            raise RuntimeError(str(next(one.exception for one in answer.responses if one.exception)))

    await send()
    began = time.monotonic()
    for _ in range(pushes // BATCH):
        await send()
    return pushes // BATCH * BATCH / (time.monotonic() - began)


async def send_by_transport(base_url: str, _account: Path, authority: Path, pushes: int) -> float:
    """The limit: no message is made, no answer is read for its meaning."""
    client = pyqwest.Client(
        pyqwest.HTTPTransport(
            tls_ca_cert=authority.read_bytes(), http_version=pyqwest.HTTPVersion.HTTP2, enable_otel=False
        )
    )
    url = f"{base_url}/v1/projects/sepakat-local/messages:send"
    headers = {"authorization": f"Bearer {'x' * 120}", "content-type": "application/json"}
    body = encode_message(Push("fid", f"fid-{uuid4()}", str(uuid4()), 7, "card", TEXT["title"], TEXT["body"]))
    left = 0

    async def post() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            answer = await client.post(url, headers, body)
            if answer.status != 200:
                raise RuntimeError(str(answer.status))

    for left in (WARM, pushes):  # noqa: B007 (each counted down to nothing)
        began = time.monotonic()
        await asyncio.gather(*(post() for _ in range(AT_ONCE)))
    return pushes / (time.monotonic() - began)


SENDERS: dict[str, Callable[[str, Path, Path, int], Coroutine[None, None, float]]] = {
    "firebase": send_by_firebase,
    "transport": send_by_transport,
}

if __name__ == "__main__":
    name, base_url, account, authority, pushes = sys.argv[1:]
    print(uvloop.run(SENDERS[name](base_url, Path(account), Path(authority), int(pushes))))  # noqa: T201
