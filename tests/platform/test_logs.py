"""A log line never fails what it tells of."""

from __future__ import annotations

import io
import sys

import pytest
import structlog

from app.platform import logs


def test_a_standard_error_that_was_closed_since_is_not_written_to(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = io.StringIO()
    monkeypatch.setattr(sys, "stderr", gone)
    logs.configure()
    monkeypatch.undo()
    gone.close()
    structlog.get_logger().warning("still_here")
