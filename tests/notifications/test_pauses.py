"""After a pause one send goes first. Against a provider of this file that counts what it is asked."""

from __future__ import annotations

import asyncio

from app.notifications.pauses import Pauses

PAUSE_S = 0.05


class Asked:
    """Sends as a deliverer does; counts what goes out, and how much of it at once."""

    def __init__(self, pauses: Pauses) -> None:
        self.pauses = pauses
        self.well = False
        self.sent = self.now = self.most = 0

    async def send(self) -> None:
        async with self.pauses.turn() as came_through:
            if self.pauses.left_s():
                return
            self.sent += 1
            self.now += 1
            self.most = max(self.most, self.now)
            well = self.well
            await asyncio.sleep(0.01)
            self.now -= 1
            if well:
                came_through()
            else:
                self.pauses.hold("provider", PAUSE_S)

    async def crowd(self) -> None:
        await asyncio.gather(*(self.send() for _ in range(50)))


async def test_after_a_pause_one_goes_first_and_all_others_when_it_came_through() -> None:
    asked = Asked(Pauses())
    await asked.crowd()
    assert (asked.sent, asked.pauses.in_a_row) == (50, 1), "all at once while nobody knew"
    for failures in (2, 3):
        await asyncio.sleep(PAUSE_S)
        await asked.crowd()
        assert (asked.sent, asked.pauses.in_a_row) == (49 + failures, failures)
    asked.well, asked.most = True, 0
    await asyncio.sleep(PAUSE_S)
    await asked.crowd()
    assert (asked.sent, asked.most, asked.pauses.in_a_row) == (102, 49, 0)


async def test_an_answer_to_what_was_sent_before_the_pause_ends_no_doubt() -> None:
    pauses = Pauses()
    async with pauses.turn() as came_through:
        pauses.hold("provider", PAUSE_S)
        came_through()
    assert pauses.in_a_row == 1
    async with pauses.turn() as came_through:
        came_through()
    assert pauses.in_a_row == 0


async def test_who_goes_first_and_ends_without_an_answer_leaves_the_turn_to_the_next() -> None:
    asked = Asked(Pauses())
    asked.pauses.hold("provider", 0)
    first = asyncio.create_task(asked.send())
    await asyncio.sleep(0)
    first.cancel()
    asked.well = True
    await asyncio.wait_for(asked.crowd(), 2)
    assert asked.pauses.in_a_row == 0
