"""A state folder for what a test starts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.local.leftovers import scratch_folder


@pytest.fixture
def folder() -> Iterator[Path]:
    with scratch_folder() as made:
        yield made / "state"
