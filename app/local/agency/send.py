"""The agency's line to Sepakat: events as signed and packed NDJSON, several requests at once, until each has its result."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from app.local.core import Core

LINES = 500
AT_ONCE = 4
TRIES = 12
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 30.0
NDJSON = {"content-type": "application/x-ndjson", "content-encoding": "gzip"}

Result = tuple[str, str | None]
"""Outcome and code."""


class LineDown(Exception):
    """The feed could not be reached, or would not take what was sent; the message says how it answered."""


class Line:
    """`core` signs; `pause` is awaited before each new try (default: sleep)."""

    def __init__(self, core: Core, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self.core, self.pause = core, pause

    async def send(self, events: list[dict[str, Any]], stream_of: Callable[[dict[str, Any]], int]) -> dict[str, Result]:
        """The result of each event by id. Events of one stream go one after the other. Raises LineDown."""
        lanes: list[list[dict[str, Any]]] = [[] for _ in range(AT_ONCE)]
        for event in events:
            lanes[stream_of(event) % AT_ONCE].append(event)
        results: dict[str, Result] = {}
        try:
            async with asyncio.TaskGroup() as group:
                for lane in filter(None, lanes):
                    group.create_task(self._send_lane(lane, results))
        except* LineDown as down:
            raise LineDown(str(down.exceptions[0])) from None
        return results

    async def ask(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """One of the feed's questions. Raises LineDown."""
        raw = json.dumps(body).encode()
        answer = await self._post(path, raw, {}, raw)
        found: dict[str, Any] = answer.json()
        return found

    async def _send_lane(self, lane: list[dict[str, Any]], results: dict[str, Result]) -> None:
        for begin in range(0, len(lane), LINES):
            lines = lane[begin : begin + LINES]
            raw = b"\n".join(json.dumps(event, separators=(",", ":")).encode() for event in lines)
            for attempt in range(TRIES):
                answer = await self._post("/feed/v1/events/lines", raw, NDJSON, gzip.compress(raw, 3))
                told = [json.loads(line) for line in answer.text.splitlines()]
                results |= {line["id"]: (line["outcome"], line["code"]) for line in told if line.get("id")}
                if all(event["id"] in results for event in lines):
                    break
                await self._wait(attempt, f"the feed stopped: {told[-1:]}")

    async def _post(self, path: str, raw: bytes, headers: dict[str, str], packed: bytes) -> httpx.Response:
        """An answer of 200; what is signed is the body before it was packed."""
        for attempt in range(TRIES):
            try:
                answer = await self.core.feed.post(
                    path, content=packed, headers=self.core.sign(raw) | headers, timeout=300
                )
            except httpx.TransportError as error:
                await self._wait(attempt, f"{type(error).__name__}: {error}")
                continue
            if answer.status_code == 200:
                return answer
            told = f"{answer.status_code} {answer.text[:300]}"
            if answer.status_code < 500 and answer.status_code != 429:
                raise LineDown(f"the feed refused: {told}")
            await self._wait(attempt, f"the feed answered {told}")
        raise AssertionError("unreachable: the last wait raises")

    async def _wait(self, attempt: int, why: str) -> None:
        if attempt == TRIES - 1:
            raise LineDown(why)
        await self.pause(min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**attempt))
