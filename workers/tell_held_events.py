"""Says in the log how much the feed holds because a number never came: an alarm once it has waited for a day."""

from __future__ import annotations

import structlog

from app.feed.gaps import count_held
from app.platform.database import Pool

log = structlog.get_logger()


async def tell_held_events(pool: Pool) -> None:
    """The line `feed_held` is a gauge. Whoever operates this watches `alarming`: `sepakat feed gaps` names them."""
    held = await count_held(pool)
    tell = log.error if held.alarming else log.info
    tell("feed_held", streams=held.streams, alarming=held.alarming, held=held.held, oldest_s=held.oldest_s)
