from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from app.platform.fcm import Fcm
from tests.local.running_simulator import RunningSimulator


@pytest.fixture
async def fcm(simulator: RunningSimulator) -> AsyncIterator[Fcm]:
    sender = Fcm(base_url=simulator.base_url, credentials_path=str(simulator.credentials), timeout_s=2.0)
    yield sender
    await sender.close()
