"""Plays the machine for a number of steps, on a database of its own, and says what was really run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis.errors import FlakyStrategyDefinition
from hypothesis.stateful import run_state_machine_as_test

from app.local.servers import Valkey
from tests.conftest import Database
from tests.conftest import _start as start_apps
from tests.merges.machine.machine import Machine
from tests.merges.machine.world import Stage

STEPS_A_RUN = 50
RUNS_A_DATABASE = 20
Say = Callable[[str], None]


def play(make: Callable[[], Awaitable[Database]], valkey: Valkey, *, steps: int, first_seed: int, say: Say) -> int:
    """At least `steps` steps; the number really run. Raises what an invariant raised, with the shortest run to it.

    A new database now and then, because its clock only ever goes on. The same seed plays the same runs.
    """
    began, ran = time.monotonic(), 0
    number = first_seed
    while ran < steps:
        runs = min(RUNS_A_DATABASE, -(-(steps - ran) // STEPS_A_RUN))
        with stage(make, valkey, say) as (opened, runner):
            machine = type("SeededMachine", (Machine,), {"stage": opened, "runner": runner})
            try:
                run_state_machine_as_test(seed(number)(machine), settings=_settings(runs))
            except FlakyStrategyDefinition:
                # Hypothesis gives a seed up when a rule that it could choose once cannot be chosen again: what may be
                # done depends on the database, whose ids and instants are real. What broke, if anything, is kept.
                say(f"seed {number}: given up by Hypothesis after {opened.steps} steps")
            if opened.broken:
                raise opened.broken[0]
            ran += opened.steps
            rules = ", ".join(f"{name} {count}" for name, count in sorted(opened.ran.items()))
            say(f"seed {number}: {ran} of {steps} steps, {time.monotonic() - began:.0f} s; {rules}")
            say("  " + ", ".join(f"{what} {count}" for what, count in sorted(opened.answered.items())))
        number += 1
    return ran


def _settings(runs: int) -> settings:
    return settings(
        max_examples=runs + 1,  # the first is always the simplest there is
        stateful_step_count=STEPS_A_RUN,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        verbosity=Verbosity.normal,
        suppress_health_check=list(HealthCheck),
    )


@contextmanager
def stage(make: Callable[[], Awaitable[Database]], valkey: Valkey, say: Say) -> Iterator[tuple[Stage, asyncio.Runner]]:
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:

        async def opening() -> Stage:
            opened = Stage(await make(), valkey, say)
            await opened.open(await start_apps(opened.database, valkey, opened.stack))
            return opened

        opened = runner.run(opening())
        try:
            yield opened, runner
        finally:
            runner.run(opened.close())
