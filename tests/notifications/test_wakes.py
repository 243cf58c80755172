"""Wakes over a Valkey that comes and goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from app.local.servers import Valkey
from app.platform.jobs import Doorbell, Jobs, wake_channel
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


async def woken_soon(woken: asyncio.Event) -> None:
    async with asyncio.timeout(SOON_S):
        await woken.wait()
    woken.clear()


async def test_only_those_are_woken_whom_it_concerns(wakes: Wakes, bell: Jobs) -> None:
    dwi, sari = uuid4(), uuid4()
    with wakes.listen(dwi) as first, wakes.listen(dwi) as second, wakes.listen(sari) as other:
        for woken in (first, second, other):
            await woken_soon(woken)  # once the connection stands, everybody looks
        await ring(bell, dwi)
        await woken_soon(first)
        await woken_soon(second)
        await asyncio.sleep(0.1)
        assert not other.is_set()


async def test_who_comes_later_is_woken_and_who_left_is_forgotten(wakes: Wakes, bell: Jobs) -> None:
    dwi, sari = uuid4(), uuid4()
    redis = await bell.redis()
    with wakes.listen(dwi) as woken:
        await woken_soon(woken)
        with wakes.listen(sari) as later:
            await asyncio.sleep(0.1)
            await ring(bell, sari)
            await woken_soon(later)
        await asyncio.sleep(0.1)
        channels = await redis.pubsub_channels("sepakat:wake:*")
        assert channels == [wake_channel(SECRET, dwi).encode()]
    assert wakes.channels == 0


async def test_a_valkey_that_restarts_is_listened_to_again(wakes: Wakes, own_valkey: Valkey, bell: Jobs) -> None:
    dwi, sari = uuid4(), uuid4()
    with wakes.listen(dwi) as woken:
        await woken_soon(woken)
        own_valkey.stop()
        with wakes.listen(sari) as later:
            await asyncio.sleep(0.2)
            start_again(own_valkey)
            await woken_soon(woken)  # what was rung meanwhile is looked for
            await woken_soon(later)
            for participant_id, event in ((dwi, woken), (sari, later)):
                await ring(bell, participant_id)
                await woken_soon(event)
