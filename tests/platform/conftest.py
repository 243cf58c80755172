from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from app.platform.fcm import Fcm
from tests.local.running_simulator import RunningSimulator, run_simulator


@pytest.fixture(scope="session")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    with run_simulator(tmp_path_factory.mktemp("simulator")) as running:
        yield running


@pytest.fixture
async def fcm(simulator: RunningSimulator) -> AsyncIterator[Fcm]:
    sender = Fcm(base_url=simulator.base_url, credentials_path=str(simulator.credentials), timeout_s=2.0)
    yield sender
    await sender.close()
