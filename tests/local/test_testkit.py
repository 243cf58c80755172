"""The kit for tests of others: the five lines of docs/clients.md, run as another team would, in a pytest of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")


@pytest.mark.long
def test_the_first_test_of_another_team_passes_and_can_fail(tmp_path: Path) -> None:
    """Both in one run of pytest, so that the instance comes up once."""
    shown = re.findall(r"```python\n(pytest_plugins.*?)```", PAGE, re.DOTALL)
    assert len(shown) == 1
    broken = shown[0].replace("async def test_", "async def test_broken_").replace('== ["active"', '== ["merged"')
    assert broken != shown[0]
    (tmp_path / "conftest.py").write_text(shown[0].split("\n", 1)[0])
    (tmp_path / "test_first.py").write_text(shown[0].split("\n", 1)[1])
    (tmp_path / "test_second.py").write_text(broken.split("\n", 1)[1])
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "asyncio_mode=auto", str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}  # as if it were installed
    run = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert "1 failed, 1 passed" in run.stdout, run.stdout + run.stderr
