"""Tells the agency's core what participants decided, by signed webhooks, in the order of each participant's entries.

No network call happens in a transaction: rows are leased by one statement, sent, and the outcome is written by another. A
worker that dies in between loses its lease, and the next one sends again under the same id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, assert_never
from uuid import UUID

import asyncpg
import msgspec
import structlog

from app.platform.database import WRITES, Pool, as_operator
from app.platform.outcomes import Accepted, Rejected, RetryLater
from app.platform.sealing import Sealer, read_sealer
from app.platform.sql import load
from app.platform.webhooks import Hook, Receiver
from app.settings import Settings

log = structlog.get_logger()

SQL = load("feed/tell")
BATCH = 20
# No attempt may take as long as the lease.
LEASE = timedelta(seconds=14)
LONGEST_WAIT_S = 600.0

Whose = tuple[UUID, int, int]


class CoreTeller:
    """One receiver for the life of a process. Nothing is sent while the receiver as a whole is away."""

    def __init__(self, pool: Pool, settings: Settings) -> None:
        """Raises ValueError for a malformed secret."""
        self._pool = pool
        self._sealer = read_sealer(settings.data_keys)
        self._receiver = Receiver(settings.core_webhook_url, settings.core_webhook_secret)

    async def tell(self) -> int:
        """Sends all that is due and returns how many were taken. What must be tried again waits in the table."""
        taken = 0
        while True:
            leased: list[Whose] = [tuple(row) for row in await self._pool.fetch(SQL["lease"], BATCH, LEASE)]
            rows = await self._pool.fetch(SQL["read"], [one[0] for one in leased], [one[1] for one in leased])
            told = {(row["participant_id"], row["seq"]): row for row in rows}
            outcomes = await asyncio.gather(*(self._send_safely(whose, told) for whose in leased))
            taken += sum(isinstance(outcome, Accepted) for outcome in outcomes)
            away = any(isinstance(outcome, RetryLater) and outcome.provider_wide for outcome in outcomes)
            if away or not leased:
                return taken

    async def close(self) -> None:
        await self._receiver.close()

    async def _send_safely(
        self, whose: Whose, told: Mapping[tuple[UUID, int], asyncpg.Record]
    ) -> Accepted | RetryLater | Rejected | None:
        try:
            return await self._send(whose, told[whose[:2]])
        except Exception:
            # What nobody foresaw about one event must not hold up everybody else's; its lease ends by itself.
            log.exception("core_event_failed", seq=whose[1])
            return None

    async def _send(self, whose: Whose, row: asyncpg.Record) -> Accepted | RetryLater | Rejected:
        hook = Hook(f"{row['cause_id']}.{row['seq']}", msgspec.json.encode(write_event(row, self._sealer)))
        outcome = await self._receiver.send(hook)
        match outcome:
            case Accepted():
                await self._pool.execute(SQL["end"], *whose, "taken", None)
            case Rejected(code):
                log.error("core_event_refused", type=row["type"], webhook_id=hook.id, code=code)
                await self._pool.execute(SQL["end"], *whose, "refused", code)
            case RetryLater(after_s, reason):
                wait_s = max(after_s, min(after_s * 2.0 ** min(whose[2] - 1, 10), LONGEST_WAIT_S))
                log.warning("core_event_waits", type=row["type"], webhook_id=hook.id, reason=reason, wait_s=wait_s)
                await self._pool.execute(SQL["retry"], *whose, timedelta(seconds=wait_s), reason)
            case _:
                assert_never(outcome)
        return outcome


def write_event(row: asyncpg.Record, sealer: Sealer) -> dict[str, Any]:
    """The body of a webhook, `{type, timestamp, data}`: a changed contact, or a merge as it stands when it is sent."""
    owner = row["participant_id"]
    data: dict[str, Any] = {"nik": sealer.open(row["nik_sealed"], column="nik", row=owner), "seq": row["seq"]}
    if row["merge_id"] is not None:
        names = ("merge_id", "state", "absorb", "into", "plan_digest", "confirmed_at", "executes_at", "executed_at")
        data |= {name: row[name] for name in (*names, "undo_until", "reason", "core")}
    else:
        channel = msgspec.json.decode(row["data"])["contact"]
        sealed = row[f"{channel}_sealed"]
        data |= {"channel": channel, "value": sealed and sealer.open(sealed, column=channel, row=owner)}
    return {"type": row["type"], "timestamp": row["occurred_at"], "data": data}


class Untold(msgspec.Struct, frozen=True):
    """Events of one type that wait, or that the core refused with `code`."""

    state: str
    type: str
    code: str | None
    events: int
    since: datetime


async def replay(operator_url: str, since: datetime | None = None) -> int:
    """Sends again what the core refused, and with `since` also what it took from then on. Returns how many."""
    async with as_operator(operator_url, **WRITES) as connection:
        return int(await connection.fetchval(SQL["replay"], since))


async def count_untold(operator_url: str) -> list[Untold]:
    """What the core does not know yet."""
    async with as_operator(operator_url) as connection:
        return [msgspec.convert(dict(row), Untold) for row in await connection.fetch(SQL["count"])]
