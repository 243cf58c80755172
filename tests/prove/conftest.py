"""What the tests of workers begin with, for the proofs that take longer."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local.running_simulator import RunningSimulator, run_simulator
from tests.workers.conftest import add_reachable, outbox

__all__ = ["add_reachable", "outbox"]


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[RunningSimulator]:
    """One for each test: its journal is held against all of history."""
    with run_simulator(tmp_path / "simulator") as running:
        yield running
