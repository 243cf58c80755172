"""Plays the agency, step by step. A step is saved before its events are sent, and its results are booked from what was saved:
an interruption at any point repeats events, and changes nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from app.local.agency.answers import answers_of
from app.local.agency.book import book
from app.local.agency.money import reports_are_due, reports_of
from app.local.agency.reactions import Crowd
from app.local.agency.send import Line
from app.local.agency.world import Sent, World, save
from app.local.agency.year import events_of

STEPS = ("happen", "react", "answer", "report")
REACT_EVERY_DAYS = 7


class Play:
    """`pace` is days in a second, 0 as fast as it goes; `show` is called after each step; `crowd` None: nobody has a phone."""

    def __init__(
        self,
        world: World,
        file: Path,
        line: Line,
        crowd: Crowd | None,
        *,
        pace: float = 0.0,
        show: Callable[[World], None] | None = None,
    ) -> None:
        self.world, self.file, self.line, self.crowd, self.pace, self.show = world, file, line, crowd, pace, show

    async def run(self) -> None:
        """From where the world stands to its end. Raises LineDown; what was saved can be gone on from."""
        await self._deliver()
        began, begun_at = time.monotonic(), self.world.steps
        while self.world.steps < len(STEPS) * self.world.days:
            await self._take_step()
            if self.show:
                self.show(self.world)
            if self.pace:
                due = began + (self.world.steps - begun_at) / len(STEPS) / self.pace
                await asyncio.sleep(max(0.0, due - time.monotonic()))
        save(self.world, self.file)

    async def _take_step(self) -> None:
        index, place = divmod(self.world.steps, len(STEPS))
        events: list[Sent] = []
        match STEPS[place]:
            case "happen":
                events = events_of(self.world, index)
            case "react" if self.crowd and self._is_react_day(index):
                await self.crowd.enrol()
                await self.crowd.react(index)
            case "answer" if self._is_react_day(index):
                events = await answers_of(self.world, self.line, index)
            case "report" if reports_are_due(self.world, index):
                events = reports_of(self.world, index)
        self.world.steps += 1
        self.world.pending = events
        if events or (STEPS[place] == "react" and self._is_react_day(index)):
            save(self.world, self.file)
        await self._deliver()

    def _is_react_day(self, index: int) -> bool:
        return index % REACT_EVERY_DAYS == 0 or index == self.world.days - 1

    async def _deliver(self) -> None:
        world = self.world
        if not world.pending:
            return
        for sent in world.pending:
            if "asks_for" in sent.about:
                await self._ask_first(sent)
        began = time.monotonic()
        serials = {sent.event["id"]: sent.about["serial"] for sent in world.pending}
        results = await self.line.send([sent.event for sent in world.pending], lambda event: serials[event["id"]])
        for sent in world.pending:
            book(world, sent, *results[sent.event["id"]])
        world.sent += len(world.pending)
        world.seconds += time.monotonic() - began
        world.pending = []

    async def _ask_first(self, sent: Sent) -> None:
        """The employer asks whether there is a card already; what Sepakat advises is counted."""
        nik = self.world.people[sent.about["serial"]].nik
        question = {"registration_check": {"nik": nik, "employer_id": sent.about["asks_for"]}}
        advice = (await self.line.ask("/feed/v1/registrations/check", question))["advice"]
        self.world.advices[advice] = self.world.advices.get(advice, 0) + 1
