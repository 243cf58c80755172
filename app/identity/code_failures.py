"""The breaker over all one-time codes: when too many fail, of whomever, the checking of codes by SMS pauses.

It counts in PostgreSQL, by the minute, so that all processes see one count and a flushed Valkey changes nothing. While it is
open no code is looked at and none fails, so the window empties and it closes by itself. Nothing else pauses: keys sign in,
living phones approve, branch codes are taken.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import structlog

from app.identity.problems import CodesPaused
from app.platform.database import Connection
from app.platform.sql import load
from app.settings import Settings

log = structlog.get_logger()

SQL = load("identity/code_failures")
SLOTS = 16
BRANCH_TRIES_PER_DAY = 10

FailedCode = Literal["otp", "otp_of_nobody", "branch_code"]


async def refuse_while_paused(connection: Connection, settings: Settings, now: datetime) -> None:
    """Raises CodesPaused; asked before a try is counted, so that a pause uses up nobody's tries."""
    if await _failures(connection, settings, now) >= settings.code_failures_limit:
        raise CodesPaused


async def count_failure(connection: Connection, settings: Settings, kind: FailedCode, now: datetime) -> None:
    """Counts one failed code. Failures of enrolments that are nobody's, and of branch codes, pause nothing."""
    await connection.execute(SQL["count"], now, kind, secrets.randbelow(SLOTS))
    failures = await _failures(connection, settings, now)
    if failures >= settings.code_failures_limit:
        log.error("codes_paused", failures=failures, window_s=settings.code_failures_window_s)


async def count_branch_try(connection: Connection, participant_id: UUID, key_id: UUID, now: datetime) -> int | None:
    """How many tries this phone has made today with branch codes; None when they are used up. No other phone's count."""
    tries: int | None = await connection.fetchval(
        SQL["count_branch_try"], participant_id, key_id, now, BRANCH_TRIES_PER_DAY
    )
    return tries


async def _failures(connection: Connection, settings: Settings, now: datetime) -> int:
    since = now - timedelta(seconds=settings.code_failures_window_s)
    failures: int = await connection.fetchval(SQL["failed"], since)
    return failures
