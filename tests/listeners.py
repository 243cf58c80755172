"""Thousands of readers of streams, over raw sockets in a process of their own: `python -m tests.listeners PORT < tokens`.

Says in JSON lines, with the machine's monotonic clock: `{"open": n, "refused": n}` once all have begun, and
`{"entry": k, "first": t, "median": t, "last": t}` once every one has its k-th entry. Ends with its standard input's process.
"""

from __future__ import annotations

import asyncio
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

OPENING_AT_ONCE = 100
ENTRY = b"event: entry\n"


class Reader(asyncio.Protocol):
    """One stream: whether it has begun, and how many entries it has."""

    def __init__(self, crowd: Crowd, token: str) -> None:
        self.crowd, self.token = crowd, token
        self.begun: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.entries = 0
        self._tail = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(
            f"GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self.token}\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        if not self.begun.done():
            self.begun.set_result(b" 200 " in data[:20])
        data = self._tail + data
        for _ in range(data.count(ENTRY)):
            self.entries += 1
            self.crowd.note(self.entries)
        self._tail = data[max(data.rfind(ENTRY) + len(ENTRY), len(data) - len(ENTRY) + 1) :] if data else b""

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.begun.done():
            self.begun.set_result(False)


class Crowd:
    """All of them."""

    def __init__(self, people: int) -> None:
        self.people = people
        self.times: dict[int, list[float]] = {}

    def note(self, number: int) -> None:
        times = self.times.setdefault(number, [])
        times.append(time.monotonic())
        if len(times) == self.people:
            say(entry=number, first=times[0], median=statistics.median(times), last=times[-1])


def say(**line: Any) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


async def main(port: int, tokens: Sequence[str]) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    crowd, turn, loop = Crowd(len(tokens)), asyncio.Semaphore(OPENING_AT_ONCE), asyncio.get_running_loop()
    readers = []

    async def begin(token: str) -> bool:
        async with turn:
            _, reader = await loop.create_connection(lambda: Reader(crowd, token), "127.0.0.1", port)
            readers.append(reader)
            return await reader.begun

    begun = await asyncio.gather(*(begin(token) for token in tokens))
    crowd.people = sum(begun)
    say(open=sum(begun), refused=len(begun) - sum(begun))
    await loop.create_future()


class Listeners:
    """The process, as its caller sees it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def hear(self, within_s: float) -> dict[str, Any]:
        """The next line that it says. Raises TimeoutError."""
        assert self._process.stdout is not None
        async with asyncio.timeout(within_s):
            line: dict[str, Any] = json.loads(await self._process.stdout.readline())
            return line


@asynccontextmanager
async def listening(port: int, tokens: Sequence[str]) -> AsyncIterator[Listeners]:
    """A process of readers, one for each token; `hear` what it says."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.listeners", str(port), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    process.stdin.write("\n".join(tokens).encode())
    process.stdin.close()
    try:
        yield Listeners(process)
    finally:
        process.kill()
        await process.wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.stdin.read().split()))
