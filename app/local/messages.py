"""What the simulator took: the pushes, SMS and mail that would have reached somebody."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any

import httpx

CODE = re.compile(r"(?<!\d)\d{8}(?!\d)")
WAIT_S = 40.0
LOOK_EVERY_S = 0.05

Message = dict[str, Any]


class Messages:
    """`simulator` is a client whose base URL is the simulator's."""

    def __init__(self, simulator: httpx.AsyncClient) -> None:
        self.simulator = simulator

    async def all(self) -> list[Message]:
        """Oldest first."""
        answer = await self.simulator.get("/messages")
        return [json.loads(line) for line in answer.text.splitlines()]

    async def wait_for(self, wanted: Callable[[Message], bool], count: int = 1) -> list[Message]:
        """Returns the wanted ones once there are `count`. Raises TimeoutError after 40 s."""
        async with asyncio.timeout(WAIT_S):
            while True:
                found = [message for message in await self.all() if wanted(message)]
                if len(found) >= count:
                    return found
                await asyncio.sleep(LOOK_EVERY_S)

    async def texts_to(self, number: str) -> list[str]:
        """The SMS to one number, oldest first."""
        found = await self.all()
        return [message["text"] for message in found if message["channel"] == "sms" and message["to"] == number]

    async def read_code(self, number: str, *, seen: int) -> str:
        """The one-time code in the first SMS with a code to `number` after the `seen` that were there before."""

        def has_code(message: Message) -> bool:
            to_number = (message["channel"], message.get("to")) == ("sms", number)
            return to_number and CODE.search(message["text"]) is not None

        found = await self.wait_for(has_code, seen + 1)
        match = CODE.search(found[seen]["text"])
        assert match is not None
        return match.group()

    async def code_texts_to(self, number: str) -> list[str]:
        """The SMS to one number that carry a one-time code, oldest first."""
        return [text for text in await self.texts_to(number) if CODE.search(text)]

    async def pushes_to(self, value: str, count: int = 0) -> list[Message]:
        """The accepted pushes to one target, once there are `count`."""
        return await self.wait_for(
            lambda message: (
                message["channel"] == "push"
                and message["target"]["value"] == value
                and message["outcome"] == "accepted"
            ),
            count,
        )
