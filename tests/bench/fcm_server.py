"""What stands for FCM when speed is measured: TLS, HTTP/2, an access token for anybody, and 200 for every push.

`python -m tests.bench.fcm_server FOLDER PORT`, with `localhost.pem` and `localhost.key` in the folder; DELAY_MS holds answers
back. The simulator of `make run` keeps a journal and would be what is measured.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
from pathlib import Path
from typing import Any

from granian.constants import HTTPModes, Interfaces, Loops
from granian.log import LogLevels
from granian.server.mp import MPServer

_HEADERS = [("content-type", "application/json; charset=UTF-8")]
_TOKEN = b'{"access_token":"ya29.bench","expires_in":3599,"token_type":"Bearer"}'
_DELAY_S = int(os.environ.get("DELAY_MS", "0")) / 1000
_numbers = itertools.count()


async def app(scope: Any, protocol: Any) -> None:
    await protocol()
    if _DELAY_S:
        await asyncio.sleep(_DELAY_S)
    if scope.path == "/token":
        protocol.response_bytes(200, _HEADERS, _TOKEN)
    else:
        protocol.response_bytes(200, _HEADERS, b'{"name":"projects/sepakat-local/messages/0:%016x"}' % next(_numbers))


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    MPServer(
        "tests.bench.fcm_server:app",
        port=int(sys.argv[2]),
        interface=Interfaces.RSGI,
        http=HTTPModes.auto,
        loop=Loops.uvloop,
        ssl_cert=folder / "localhost.pem",
        ssl_key=folder / "localhost.key",
        log_level=LogLevels.error,
    ).serve()
