"""Logs are JSON lines on standard error."""

from __future__ import annotations

import logging
import sys

import structlog


def configure() -> None:
    """One format for every process. Nothing personal is ever a field of a log line."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),  # whatever stderr is by then
    )
