"""Any order, any repetition and any split into batches make the state and the history that the ordered telling makes.

Many people at once: each group lives a few lives in order, and each of these many times over in disorder, all mixed with one
another: early events that are held, events that come again, others under an id that was used, and events that cannot be
read, in JSON and in lines, packed or not, and some requests twice at the same time. ORDERS is how many are told in disorder.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import random
import sys
from collections import Counter
from typing import Any

import asyncpg
import pytest

from tests.conftest import Apps
from tests.feed.conftest import sign
from tests.feed.lives import Event, Life, become, live

pytestmark = [pytest.mark.long, pytest.mark.timeout(4 * 3600)]

ORDERS = int(os.environ.get("ORDERS", "1000"))
SEED = int(os.environ.get("SEED", "1"))
LIVES = 6
TIMES = 10
"""How often each life of a group is told in disorder."""
EVENTS_AT_MOST = 120
"""In a batch."""
Results = list[dict[str, Any]]


@pytest.mark.parametrize("half", [1, 2])
async def test_any_order_makes_the_same_state_and_history(fresh_apps: Apps, half: int) -> None:
    """In halves, so that two processes can share it."""
    connection = await fresh_apps.database.connect()
    seen: Counter[str] = Counter()
    groups = -(-ORDERS // (LIVES * TIMES * 2))
    for group in range(groups):
        dice = random.Random(f"{SEED} {half} {group}")
        seeds = [dice.randrange(10**9) for _ in range(LIVES)]
        ordered = [live(seed) for seed in seeds]
        for life in ordered:
            seen.update(one["outcome"] for one in await send(fresh_apps, life.events))
        expected = await become(connection, ordered)
        shuffled = [live(seed) for seed in seeds for _ in range(TIMES)]
        await tell(fresh_apps, dice, shuffled, seen, connection)
        for place, (life, found) in enumerate(zip(shuffled, await become(connection, shuffled), strict=True)):
            if found != expected[place // TIMES]:
                pytest.fail(
                    f"SEED={SEED}, half {half}, group {group}, life {seeds[place // TIMES]} in streams of {life.streams}:\n"
                    f"in order    {expected[place // TIMES]}\nin disorder {found}"
                )
    assert await connection.fetchval("SELECT count(*) FROM feed_held") == 0
    await connection.close()
    sys.stdout.write(f"\n{groups * LIVES * TIMES} lives in disorder: {dict(seen)}")
    assert min(seen[outcome] for outcome in ("applied", "duplicate", "held", "rejected", "quarantined")) > 0


async def tell(
    apps: Apps,
    dice: random.Random,
    lives: list[Life],
    seen: Counter[str],
    connection: asyncpg.Connection[asyncpg.Record],
) -> None:
    """All events of all lives, in disorder, some again, with others among them that must change nothing."""
    events = [one for life in lives for one in life.events]
    kept = [(dice.random(), one) for one in events]
    kept += [(dice.random(), one) for one in dice.sample(events, len(events) // 5)]
    kept += [(dice.random(), one | {"occurred_at": "yesterday"}) for one in dice.sample(events, len(events) // 20)]
    first: dict[str, float] = {}
    for when, one in kept:
        if one["occurred_at"] != "yesterday":
            first[one["id"]] = min(when, first.get(one["id"], 1.0))
    twins = [one | {"data": one["data"] | {"again": 1}} for one in dice.sample(events, len(events) // 20)]
    kept += [(dice.uniform(first[one["id"]], 1.0), one) for one in twins]
    queue = [one for _, one in sorted(kept, key=lambda pair: pair[0])]
    while queue:
        size = dice.randrange(1, EVENTS_AT_MOST)
        batch, queue = queue[:size], queue[size:]
        ways = [dice.randrange(4) for _ in range(1 if dice.random() < 0.8 else 2)]
        for results in await asyncio.gather(*(send(apps, batch, way) for way in ways)):
            seen.update(one["outcome"] for one in results)
    quarantined = await connection.fetch(
        "SELECT event_id FROM feed_quarantine WHERE event_id = ANY ($1)", [one["id"] for one in events]
    )
    assert sorted(row["event_id"] for row in quarantined) == sorted(one["id"] for one in twins)


async def send(apps: Apps, events: list[Event], way: int = 0) -> Results:
    """As JSON or lines, packed or not."""
    as_lines, packed = divmod(way, 2)
    raw = (
        b"\n".join(json.dumps(one).encode() for one in events) if as_lines else json.dumps({"events": events}).encode()
    )
    headers = sign(raw) | ({"content-type": "application/x-ndjson"} if as_lines else {})
    if packed:
        headers["content-encoding"] = "gzip"
    path = "/feed/v1/events/lines" if as_lines else "/feed/v1/events"
    answer = await apps.feed.post(path, content=gzip.compress(raw, 1) if packed else raw, headers=headers)
    assert answer.status_code == 200, answer.text
    results: Results = [json.loads(line) for line in answer.text.splitlines()] if as_lines else answer.json()["results"]
    return results
