"""A run: one file of money on its way. Shown, begun, paused, gone on with."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from app.bulk.row import Kind
from app.platform.sql import load

SQL = load("bulk/run")


class Run(msgspec.Struct, frozen=True):
    """Where a run stands. Rows and whole rupiah; amounts may exceed what JSON numbers keep, so they are text.

    `percent` of the rows are settled, posted or refused; `rate` in rows a second since it was last begun or resumed, and
    `seconds_left` at that rate: both only while it is running. `pace` is the most rows a second that were asked for.
    """

    run_id: UUID
    name: str
    kind: Kind
    state: Literal["loading", "staged", "running", "paused", "done"]
    rows: int
    amount: str
    posted: int
    posted_amount: str
    refused: int
    refused_amount: str
    pace: int | None
    loaded_at: datetime | None
    resumed_at: datetime | None
    ended_at: datetime | None
    rate: float | None
    percent: float = 0.0
    seconds_left: float | None = None


class RunError(Exception):
    """There is no such run, or it is in no state for this; the text says so."""


class RunUnknownError(RunError):
    def __init__(self, name: str) -> None:
        super().__init__(f"No run has the name {name}.")


class RunUnfitError(RunError):
    def __init__(self, run: Run, why: str) -> None:
        super().__init__(f"The run {run.name} is {run.state}: {why}.")
        self.state = run.state


async def show_runs(connection: Any, name: str | None = None) -> list[Run]:
    """All runs, at most 100, newest first; or the one of this name."""
    runs = [msgspec.convert(dict(row), Run) for row in await connection.fetch(SQL["show_runs"], name)]
    return [_measured(run) for run in runs]


async def show_run(connection: Any, name: str) -> Run:
    """Raises RunUnknownError."""
    runs = await show_runs(connection, name)
    if not runs:
        raise RunUnknownError(name)
    return runs[0]


async def resume(connection: Any, name: str, pace: int | None = None) -> Run:
    """Lets a run be posted, at most `pace` rows a second. Raises RunError: it is unknown, not loaded whole, or done."""
    if await connection.fetchval(SQL["resume"], name, pace) is None:
        run = await show_run(connection, name)
        raise RunUnfitError(run, "load it whole first" if run.state == "loading" else "nothing is left to post")
    return await show_run(connection, name)


async def pause(connection: Any, name: str) -> Run:
    """No row of the run is posted from now on, until it is resumed. Raises RunError: it is unknown, or not running."""
    if await connection.fetchval(SQL["pause"], name) is None:
        run = await show_run(connection, name)
        raise RunUnfitError(run, "only a running one is paused")
    return await show_run(connection, name)


def _measured(run: Run) -> Run:
    settled = run.posted + run.refused
    percent = round(100 * settled / run.rows, 2) if run.rows else 100.0
    left = (run.rows - settled) / run.rate if run.rate else None
    return msgspec.structs.replace(run, percent=percent, seconds_left=left)
