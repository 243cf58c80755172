"""A batch of notifications on its way: what is sent next for each person, and what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Generator

import msgspec

from app.notifications.notification import Notification, Target
from app.notifications.permits import Permits
from app.notifications.settlement import Settlement
from app.platform.outcomes import Outcome


class Paused(msgspec.Struct, frozen=True):
    """Nothing was sent: the provider pauses, for so many seconds."""

    for_s: float


class NoPermit(msgspec.Struct, frozen=True):
    """Nothing was sent, and nothing is to be noted."""


Step = tuple[Notification, Target]
Result = Outcome | Paused | NoPermit
Walk = Generator[Step, Result, None]
"""Through all that one person is sent in a batch: gives what is to be sent next, and takes what came of it."""


class Batch:
    """What is sent together and settled at once. `ended` when all of its walks are."""

    def __init__(self, lane_class: int, permits: Permits) -> None:
        self.lane_class = lane_class
        self.permits = permits
        self.settlement = Settlement()
        self.walks = 0
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
