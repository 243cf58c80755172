"""A small agency plays against the feed: what it holds in its own book is what Sepakat holds, and silent merges are found."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest

from app.local.agency.people import found
from app.local.agency.play import Play
from app.local.agency.reactions import Crowd
from app.local.agency.send import Line
from app.local.agency.summary import judge
from app.local.agency.world import World, read
from app.local.core import Core
from app.local.phone import ReadCode
from tests.conftest import FEED_SECRET, Apps
from tests.people import Phone


def read_codes(apps: Apps) -> ReadCode:
    return Phone(apps.api).read_code


async def test_a_month_of_twenty_people(own_apps: Apps, tmp_path: Path) -> None:
    world = found(3, 30, 40, date(2026, 3, 1), phones=3)
    line = Line(Core(own_apps.feed, FEED_SECRET))

    async def execute(until: datetime) -> None:
        pass

    crowd = Crowd(world, own_apps.api, lambda _: read_codes(own_apps), execute)
    await Play(world, tmp_path / "state", line, crowd).run()
    print(world.tally, world.sent, world.seconds)
    judged = judge(world)
    print(judged)
    assert judged.holds
