"""The bucket of permits, as several processes see it: never too many, urgent first, and whole again after any trouble."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from app.local.servers import Postgres, Valkey
from app.platform import pace as paces
from app.platform.pace import RESERVE, SLOWEST, Pace, Pacing, Send
from app.platform.pace_alone import SHARE_ALONE
from app.settings import SettingsError, read
from tests.conftest import SECRET
from tests.notifications.restarts import start_again
from tests.workers.running_worker import eventually

# A quota of a whole minute; its ramp is as long as its minute.
QUICK = Pacing(quota=6000, minute_s=1.0, device_limit=1_000_000)


class Bucket:
    """One provider's bucket in Valkey, and paces as separate processes would have over it."""

    def __init__(self, url: str) -> None:
        self.redis: Any = Redis.from_url(url)
        self.provider = f"test-{uuid4().hex}"
        self.key = f"sepakat:pace:{self.provider}"
        self._url = url
        self._paces: list[Pace] = []

    def pace(self, pacing: Pacing = QUICK) -> Pace:
        self._paces.append(Pace(self.provider, self._url, SECRET, pacing))
        return self._paces[-1]

    async def fill(self, pacing: Pacing) -> None:
        """As if so much had been sent that the speed is the full one, and then nothing for a moment."""
        seconds, micros = await self.redis.time()
        full = {"at": f"{seconds}.{micros:06}", "tokens": pacing.capacity, "speed": pacing.speed, "urgent_until": 0}
        await self.redis.hset(self.key, mapping=full)

    async def speed(self) -> float:
        return float(await self.redis.hget(self.key, "speed") or 0)

    async def close(self) -> None:
        for pace in self._paces:
            await pace.close()
        await self.redis.aclose()


@pytest_asyncio.fixture
async def bucket(servers: tuple[Postgres, Valkey]) -> AsyncIterator[Bucket]:
    bucket = Bucket(servers[1].url)
    yield bucket
    await bucket.close()


@pytest_asyncio.fixture
async def own_bucket(own_valkey: Valkey) -> AsyncIterator[Bucket]:
    """One in a Valkey of this test alone, which may stop or flush it."""
    bucket = Bucket(own_valkey.url)
    yield bucket
    await bucket.close()


def to_phones(number: int) -> list[Send]:
    return [(uuid4(), uuid4()) for _ in range(number)]


async def send(pace: Pace, number: int, *, urgent: bool = True) -> int:
    """How many of so many pushes get a permit and go."""
    sends = to_phones(number)
    grant = await pace.take(sends, urgent=urgent)
    gone = sum(grant.may_go(push) for push in sends)
    grant.end()
    return gone


async def storm(pace: Pace, for_s: float, gone: list[tuple[float, int]], *, urgent: bool = False) -> None:
    """Sends as fast as it may, and notes when how many went."""
    ends = time.monotonic() + for_s
    while time.monotonic() < ends:
        number = await send(pace, 400, urgent=urgent)
        gone.append((time.monotonic(), number))


def most_within(gone: list[tuple[float, int]], window_s: float) -> int:
    return max(sum(number for at, number in gone if begin <= at < begin + window_s) for begin, _ in gone)


async def test_processes_together_stay_below_the_quota_and_near_it(bucket: Bucket) -> None:
    pacing = Pacing(quota=1500, minute_s=0.6)
    await bucket.fill(pacing)
    gone: list[tuple[float, int]] = []
    await asyncio.gather(*(storm(bucket.pace(pacing), 0.9, gone) for _ in range(3)))
    for window_s in (0.1, 0.3, 0.6):
        assert most_within(gone, window_s) <= pacing.capacity + pacing.speed * (window_s + 0.05), window_s
    assert most_within(gone, 0.6) >= 0.6 * pacing.speed * 0.6


def test_a_full_bucket_and_pushes_that_are_late_are_still_below_the_quota() -> None:
    pacing = Pacing(quota=600_000)
    assert pacing.capacity + pacing.speed * (60 + paces.STALE_S + paces.LATE_S) <= 0.96 * pacing.quota
    assert pacing.speed * 60 >= 0.85 * pacing.quota


@pytest.mark.parametrize("setting", ["SEPAKAT_PUSH_QUOTA_PER_MINUTE", "SEPAKAT_PUSH_DEVICE_LIMIT"])
def test_a_quota_that_lets_nothing_pass_stops_the_process_at_its_start(setting: str) -> None:
    environment = {"SEPAKAT_DATABASE_URL": "d", "SEPAKAT_REDIS_URL": "r", "SEPAKAT_SECRET": SECRET}
    assert read(environment).push_quota_per_minute == 600_000
    with pytest.raises(SettingsError, match=setting):
        read({**environment, setting: "0"})


async def test_the_speed_grows_after_idle_from_a_small_share(bucket: Bucket) -> None:
    gone: list[tuple[float, int]] = []
    began = time.monotonic()
    await storm(bucket.pace(), 1.2, gone)
    first = sum(number for at, number in gone if at < began + 0.2)
    last = sum(number for at, number in gone if at >= began + 1.0)
    full = QUICK.speed * 0.2
    assert first <= QUICK.capacity * SLOWEST / 2 + full * 0.5
    assert last >= 0.7 * full


async def test_who_needs_little_does_not_make_the_speed_grow(bucket: Bucket) -> None:
    pace = bucket.pace()
    for _ in range(10):
        assert await send(pace, 1) == 1
        await asyncio.sleep(0.05)
    assert await bucket.speed() < 1.5 * QUICK.speed * SLOWEST


async def test_a_single_urgent_push_on_an_idle_system_does_not_wait(bucket: Bucket) -> None:
    pace = bucket.pace(Pacing(quota=600))
    for _ in range(3):
        began = time.monotonic()
        assert await send(pace, 1) == 1
        assert time.monotonic() - began < 0.5, "another permit alone takes longer"
        await asyncio.sleep(0.1)


async def test_bulk_leaves_a_reserve_to_urgent(bucket: Bucket) -> None:
    pacing = Pacing(quota=6000)
    pace, other = bucket.pace(pacing), bucket.pace(pacing)
    await bucket.fill(pacing)
    bulk, began = 0, time.monotonic()
    for _ in range(4):
        grant = await pace._ask(to_phones(400), urgent=False)
        bulk += 0 if isinstance(grant, float) else grant.decided
    reserve, came = pacing.capacity * RESERVE, pacing.speed * (time.monotonic() - began)
    assert -1 <= bulk - (pacing.capacity - reserve) <= came + 1
    began = time.monotonic()
    assert await send(other, round(reserve)) == round(reserve)
    assert time.monotonic() - began < 0.2


async def test_bulk_waits_while_urgent_waits(bucket: Bucket) -> None:
    pace, other = bucket.pace(), bucket.pace()
    await bucket.fill(QUICK)
    assert await send(pace, 1_000) < 1_000, "some urgent ones are left"
    await asyncio.sleep(0.3)
    assert isinstance(await other._ask(to_phones(10), urgent=False), float)
    assert await send(pace, 10) == 10
    assert not isinstance(await other._wait_for(to_phones(10), time.monotonic() + 2, urgent=False), float)


async def test_bulk_without_permits_gives_up_soon_and_lets_urgent_be_looked_at(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paces, "WAIT_S", 0.2)
    pace = bucket.pace(Pacing(quota=60))
    while await send(pace, 5, urgent=False):
        pass
    began = time.monotonic()
    gone = await asyncio.gather(*(send(pace, 5, urgent=False) for _ in range(20)))
    assert sum(gone) <= 2, "one comes each second"
    assert time.monotonic() - began < 2 * paces.WAIT_S + 0.5


async def test_a_permit_that_came_too_late_is_worth_nothing(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paces, "STALE_S", 0.1)
    first, second = to_phones(2)
    grant = await bucket.pace().take([first, second], urgent=True)
    assert grant.may_go(first)
    assert not grant.may_go(first), "a permit is of one push"
    await asyncio.sleep(0.1)
    assert not grant.may_go(second)


async def test_a_process_takes_no_more_bulk_ahead_than_it_sends(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paces, "WAIT_S", 0.1)
    pace = bucket.pace(Pacing(quota=600_000))
    await bucket.fill(Pacing(quota=600_000))
    slow = await pace.take(to_phones(500), urgent=False)
    assert slow.decided == paces.FEWEST_IN_HAND
    assert (await pace.take(to_phones(500), urgent=False)).decided == 0
    slow.end()
    assert (await pace.take(to_phones(500), urgent=False)).decided == paces.FEWEST_IN_HAND


async def test_a_device_gets_no_more_than_its_limit_over_all_processes(bucket: Bucket) -> None:
    if time.time() % 60 > 58:
        await asyncio.sleep(2.1)  # the next minute is another one
    pacing = Pacing(quota=600_000, device_limit=3)
    busy, quiet = uuid4(), uuid4()
    pushes: list[tuple[UUID, UUID]] = [(uuid4(), busy) for _ in range(2)]
    assert len((await bucket.pace(pacing).take(pushes, urgent=True)).full) == 0
    pushes = [(uuid4(), busy), (uuid4(), quiet), (uuid4(), busy)]
    grant = await bucket.pace(pacing).take(pushes, urgent=True)
    assert [grant.may_go(push) for push in pushes] == [True, True, False]
    assert grant.full == {pushes[2]}
    assert 0 < grant.full_s <= 60
    [counts] = await bucket.redis.keys(f"{bucket.key}:devices:*")
    assert await bucket.redis.hlen(counts) == 2
    assert sorted(int(count) for count in await bucket.redis.hvals(counts)) == [1, 3]
    assert 60 < await bucket.redis.ttl(counts) <= 120
    assert not any(device.bytes in field for field in await bucket.redis.hkeys(counts) for device in (busy, quiet))


async def test_bulk_slows_down_around_the_quarters_of_an_hour_and_urgent_does_not(bucket: Bucket) -> None:
    bulk, urgent = [], []
    for quarter_s in (0.0, 450.0):  # at no time, or always
        pacing = Pacing(quota=6000, quarter_s=quarter_s)
        await bucket.fill(pacing)
        grant = await bucket.pace(pacing)._ask(to_phones(2000), urgent=False)
        bulk.append(0 if isinstance(grant, float) else grant.decided)
        await bucket.fill(pacing)
        urgent.append(await send(bucket.pace(pacing), 2000))
    assert bulk[1] == pytest.approx(bulk[0] / paces.QUARTER_COST, abs=10)
    assert urgent[1] == pytest.approx(urgent[0], abs=20)


async def test_a_flushed_bucket_begins_slowly_and_nearly_empty(own_bucket: Bucket) -> None:
    pace = own_bucket.pace()
    await send(pace, 1)  # connected
    await own_bucket.fill(QUICK)
    assert await send(pace, 250) == 250
    await own_bucket.redis.flushall()
    await own_bucket.redis.script_flush()
    gone = await send(pace, 250)
    assert 1 <= gone <= QUICK.capacity * SLOWEST / 2 + 10
    assert await own_bucket.speed() == pytest.approx(QUICK.speed * SLOWEST)


async def test_without_valkey_each_process_keeps_to_a_small_share_and_comes_back_by_itself(
    own_bucket: Bucket, own_valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paces, "AGAIN_AFTER_S", 0.2)
    pace = own_bucket.pace()
    assert await send(pace, 10) == 10
    own_valkey.stop()
    gone: list[tuple[float, int]] = []
    began = time.monotonic()
    await storm(pace, 0.6, gone)
    alone = sum(number for _, number in gone)
    share = QUICK.quota / QUICK.minute_s * SHARE_ALONE * (time.monotonic() - began)
    assert 0.5 * share <= alone <= share + 1
    assert await send(pace, 1) == 1, "urgent ones too"
    start_again(own_valkey)

    async def shared() -> bool:
        await send(pace, 1)
        return pace._away_until is None

    await eventually(shared, 5, "it asks Valkey again")


async def test_no_process_sends_before_the_time_that_one_was_asked_to_wait_for(bucket: Bucket) -> None:
    asked, holding, late = bucket.pace(), bucket.pace(), bucket.pace()
    heard: list[float] = []
    holding.on_hold = heard.append
    late.on_hold = heard.append
    assert await send(holding, 1) == 1
    await asyncio.sleep(0.1)  # it listens
    began = time.monotonic()
    asked.hold(0.6)

    async def told() -> bool:
        return bool(heard)

    assert await eventually(told, 1, "who holds permits is told at once") < 0.3
    assert heard == [0.6]
    assert await send(late, 1) == 0, "who comes later is told by the bucket"
    assert 0 < heard[-1] <= 0.6
    asked.hold(0.1)  # a shorter one does not end it

    async def goes() -> bool:
        return await send(late, 1) == 1

    await eventually(goes, 3, "it goes on")
    assert time.monotonic() - began >= 0.6
