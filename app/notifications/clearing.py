"""Clears no more push targets than a window allows: a provider that errs, or an error of ours, must not silence a country.

How many are allowed is data (the row of the table `clearing`), and counted there for all workers together: 20 in ten
minutes in any case, beyond that a tenth of what was sent in them.
"""

from __future__ import annotations

from uuid import UUID

import structlog
from msgspec.structs import replace

from app.notifications.notification import wait_s
from app.notifications.settlement import Delivery, Settlement, WaitingRow
from app.platform.database import Pool
from app.platform.sql import statement

log = structlog.get_logger()

CLAIM = statement("notifications/clearing", "claim")
STOPPED = "clearing_stopped"


async def keep_within_bounds(pool: Pool, settlement: Settlement) -> None:
    """Takes out of a settlement what may not be cleared now, and lets its rows wait for the end of the window."""
    wanted = {(target.participant_id, target.device_id): target.because for target in settlement.cleared}
    if not wanted:
        return
    mismatched = sum(because == "sender_mismatch" for because in wanted.values())
    claim = await pool.fetchrow(CLAIM, len(wanted), mismatched, settlement.sent)
    if claim is None:
        raise LookupError("the table clearing has lost its row")
    if claim["alarming"]:
        log.error("push_sender_mismatches", targets=mismatched)
    stopped = set(list(wanted)[claim["allowed"] :])
    if stopped:
        log.error(STOPPED, targets=len(stopped), allowed=claim["allowed"], for_s=round(claim["left_s"]))
        _hold(settlement, stopped, claim["left_s"])


def _hold(settlement: Settlement, stopped: set[tuple[UUID, UUID]], left_s: float) -> None:
    """All of a person's rows in the batch wait: what has reached another phone is not sent there again."""
    # One wait for all that a person has: what goes out together and in order still does afterwards.
    waits = {participant_id: wait_s(left_s, 0) for participant_id, _ in stopped}
    settlement.cleared = [t for t in settlement.cleared if (t.participant_id, t.device_id) not in stopped]
    settlement.deliveries = [
        replace(delivery, state="waiting", code=STOPPED) if _is_stopped(delivery, stopped) else delivery
        for delivery in settlement.deliveries
    ]
    settlement.waiting += [
        WaitingRow(row.entry_class, row.participant_id, row.seq, 1, waits[row.participant_id])
        for row in settlement.done
        if row.participant_id in waits
    ]
    settlement.done = [row for row in settlement.done if row.participant_id not in waits]


def _is_stopped(delivery: Delivery, stopped: set[tuple[UUID, UUID]]) -> bool:
    return delivery.state == "unregistered" and (delivery.participant_id, delivery.device_id) in stopped
