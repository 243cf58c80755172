"""Sends wait for their place in order, and never are more under way than there are places."""

from __future__ import annotations

import asyncio
from functools import partial

from app.notifications.places import Places


async def test_no_more_go_at_once_than_there_are_places_and_all_in_order() -> None:
    places, gate, all_done = Places(3), asyncio.Event(), asyncio.Event()
    begun: list[int] = []
    under_way = most = 0

    async def send(number: int) -> None:
        nonlocal under_way, most
        begun.append(number)
        under_way += 1
        most = max(most, under_way)
        await gate.wait()
        await asyncio.sleep(0)
        under_way -= 1
        if len(begun) == 10 and not under_way:
            all_done.set()

    for number in range(10):
        places.ask(partial(send, number))
    await asyncio.sleep(0)
    assert begun == [0, 1, 2], "each of the places takes one at once"
    gate.set()
    async with asyncio.timeout(5):
        await all_done.wait()
    assert (begun, most) == (list(range(10)), 3)


async def test_a_place_that_came_free_takes_what_is_asked_later() -> None:
    places, done = Places(1), asyncio.Queue[str]()

    async def send(name: str) -> None:
        done.put_nowait(name)

    async def ask_again() -> None:
        places.ask(partial(send, "asked by a send"))

    places.ask(ask_again)
    async with asyncio.timeout(5):
        assert await done.get() == "asked by a send"
        await asyncio.sleep(0)
        places.ask(partial(send, "asked after all"))
        assert await done.get() == "asked after all"
