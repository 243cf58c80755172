"""Wakes over a Valkey that comes and goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from uuid import UUID, uuid4

import pytest
from arq import ArqRedis

from app.local.servers import Valkey
from app.platform.jobs import CROWD_AT_ONCE, Doorbell, Jobs, wake_channel
from app.platform.wakes import Wakes
from tests.conftest import SECRET
from tests.notifications.restarts import start_again

SOON_S = 3.0


@pytest.fixture
async def wakes(own_valkey: Valkey) -> AsyncIterator[Wakes]:
    wakes = Wakes(own_valkey.url, SECRET)
    yield wakes
    await wakes.close()


@pytest.fixture
async def bell(own_valkey: Valkey) -> AsyncIterator[Jobs]:
    jobs = Jobs(own_valkey.url, SECRET)
    yield jobs
    await jobs.close()


async def ring(bell: Jobs, participant_id: UUID) -> None:
    doorbell = Doorbell()
    doorbell.ring(participant_id, 0)
    await bell.ring(doorbell)


@contextmanager
def listening(wakes: Wakes, participant_id: UUID) -> Iterator[asyncio.Event]:
    woken = asyncio.Event()
    with wakes.listen(participant_id, woken.set):
        yield woken


async def woken_soon(woken: asyncio.Event) -> None:
    async with asyncio.timeout(SOON_S):
        await woken.wait()
    woken.clear()


async def _published(redis: ArqRedis) -> int:
    calls: int = (await redis.info("commandstats")).get("cmdstat_publish", {}).get("calls", 0)
    return calls


async def test_only_those_are_woken_whom_it_concerns(wakes: Wakes, bell: Jobs) -> None:
    dwi, sari = uuid4(), uuid4()
    with listening(wakes, dwi) as first, listening(wakes, dwi) as second, listening(wakes, sari) as other:
        for woken in (first, second, other):
            await woken_soon(woken)  # once the connection stands, everybody looks
        await ring(bell, dwi)
        await woken_soon(first)
        await woken_soon(second)
        await asyncio.sleep(0.1)
        assert not other.is_set()


async def test_of_many_who_are_rung_for_at_once_each_is_woken_and_nobody_else(wakes: Wakes, bell: Jobs) -> None:
    people, other = [uuid4() for _ in range(CROWD_AT_ONCE + 1)], uuid4()
    with ExitStack() as stack:
        events = [stack.enter_context(listening(wakes, person)) for person in people]
        untouched = stack.enter_context(listening(wakes, other))
        for woken in (*events, untouched):
            await woken_soon(woken)
        redis = await bell.redis()
        before = await _published(redis)
        doorbell = Doorbell()
        for person in people:
            doorbell.ring(person, 0)
        await bell.ring(doorbell)
        for woken in events:
            await woken_soon(woken)
        await asyncio.sleep(0.1)
        assert not untouched.is_set()
        assert await _published(redis) - before == 2, "a thousand names in a message"


async def test_who_comes_later_is_woken_and_who_left_is_forgotten(wakes: Wakes, bell: Jobs) -> None:
    dwi, sari = uuid4(), uuid4()
    redis = await bell.redis()
    with listening(wakes, dwi) as woken:
        await woken_soon(woken)
        with listening(wakes, sari) as later:
            await asyncio.sleep(0.1)
            await ring(bell, sari)
            await woken_soon(later)
        await asyncio.sleep(0.1)
        channels = await redis.pubsub_channels("sepakat:wake:*")
        assert channels == [wake_channel(SECRET, dwi).encode()]
    assert wakes.channels == 0


async def test_a_valkey_that_restarts_is_listened_to_again(wakes: Wakes, own_valkey: Valkey, bell: Jobs) -> None:
    dwi, sari = uuid4(), uuid4()
    with listening(wakes, dwi) as woken:
        await woken_soon(woken)
        own_valkey.stop()
        with listening(wakes, sari) as later:
            await asyncio.sleep(0.2)
            start_again(own_valkey)
            await woken_soon(woken)  # what was rung meanwhile is looked for
            await woken_soon(later)
            for participant_id, event in ((dwi, woken), (sari, later)):
                await ring(bell, participant_id)
                await woken_soon(event)
