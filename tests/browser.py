"""The browser of the tests that need one: Chromium, as distributions package it.

Where there is none, those tests are left out, and the last lines of the run say so. `SEPAKAT_TEST_BROWSER` names another
one, or, as `required`, makes its absence an error: so that CI never passes without it.
"""

from __future__ import annotations

import os
import shutil

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
HOW = "no Chromium was found (Debian, Ubuntu: apt install chromium)"


def find_browser() -> str | None:
    """The path of the program, or None."""
    chosen = os.environ.get("SEPAKAT_TEST_BROWSER", "")
    names = NAMES if chosen in ("", "required") else (chosen,)
    return next((path for path in map(shutil.which, names) if path), None)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "browser: needs Chromium, and is left out where there is none")
    if os.environ.get("SEPAKAT_TEST_BROWSER") and find_browser() is None:
        raise pytest.UsageError(f"SEPAKAT_TEST_BROWSER={os.environ['SEPAKAT_TEST_BROWSER']}, and {HOW}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = [item for item in items if item.get_closest_marker("browser")] if find_browser() is None else []
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if find_browser() is None:
        terminalreporter.write_line(f"Tests in a browser were left out: {HOW}.")
