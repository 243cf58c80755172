"""As many sends at once to one provider as it takes on one connection, whoever they are for."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

Send = Callable[[], Awaitable[None]]


class Places:
    """Sends wait in the order in which they asked. Each place is a task that goes from one send to the next.

    A task for each send, and a semaphore before it, would cost as much as half a send.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._waiting: deque[Send] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    def ask(self, send: Send) -> None:
        """`send`, which raises nothing, is awaited once a place is free."""
        self._waiting.append(send)
        if len(self._tasks) < self._number:
            task = asyncio.create_task(self._go_on())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _go_on(self) -> None:
        while self._waiting:
            await self._waiting.popleft()()
