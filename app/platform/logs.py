"""Logs are JSON lines on standard error, and nobody's data is in them.

Four things see to it: what we log are ids and our own words; a participant's id is written as a keyed pseudonym; of an
error only its kind and place are written, never its text, for databases and parsers quote the very values they choke on;
and what still looks like a card, identity or telephone number is blotted out.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any

import asyncpg
import structlog

from app.platform.pseudonyms import pseudonym

PARTICIPANT = "participant_id"
LONG_NUMBER = re.compile(r"(?<![0-9A-Fa-f-])\+?[0-9]{9,}(?![0-9A-Fa-f-])")
BLOTTED = "[number]"
SERVER = "_granian"
Event = MutableMapping[str, Any]


def configure(secret: str = "") -> None:
    """One format for every process, also for what libraries log. `secret` keys the pseudonyms."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _describe_errors,
            _pseudonyms(secret),
            _blot,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),  # whatever stderr is by then
    )
    server = logging.getLogger(SERVER)
    server.handlers.clear()  # granian's own would print an error with its text
    server.propagate = True
    root = logging.getLogger()
    if not any(isinstance(handler, _OfLibraries) for handler in root.handlers):
        root.addHandler(_OfLibraries(logging.WARNING))


def tell_of_the_end(kind: type[BaseException], error: BaseException, _trace: object) -> None:
    """For `sys.excepthook`: an error that ends the process, in the same form."""
    structlog.get_logger().critical("process_ends", kind=kind.__name__, exc_info=error)


def describe_error(error: BaseException) -> list[str]:
    """Kind and place of an error and of those that led to it, outermost first; no text of theirs, and no value."""
    lines = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        lines.append(_name(current))
        lines += [
            f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(current.__traceback__)
        ]
        if isinstance(current, BaseExceptionGroup):
            for inner in current.exceptions:
                lines += [f"  | {line}" for line in describe_error(inner)]
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return lines


def _name(error: BaseException) -> str:
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    known: dict[str, object] = {}
    if isinstance(error, asyncpg.PostgresError):
        known = {
            name: getattr(error, name, None) for name in ("sqlstate", "constraint_name", "table_name", "column_name")
        }
    elif isinstance(error, OSError):
        known = {"errno": error.errno}
    told = " ".join(f"{name}={value}" for name, value in known.items() if value)
    return f"{kind} {told}".rstrip()


def _describe_errors(_logger: Any, _method: str, event: Event) -> Event:
    given = event.pop("exc_info", None)
    error = given if isinstance(given, BaseException) else sys.exc_info()[1] if given is True else None
    if isinstance(given, tuple):
        error = given[1]
    if error is not None:
        event["error_trace"] = describe_error(error)
    return event


def _pseudonyms(secret: str) -> Any:
    def replace(_logger: Any, _method: str, event: Event) -> Event:
        if PARTICIPANT in event:
            value = str(event.pop(PARTICIPANT))
            event["participant"] = pseudonym(secret, "log", value) if secret else BLOTTED
        return event

    return replace


def _blot(_logger: Any, _method: str, event: Event) -> Event:
    for name, value in event.items():
        if isinstance(value, str) and name != "timestamp":
            event[name] = LONG_NUMBER.sub(BLOTTED, value)
    return event


class _OfLibraries(logging.Handler):
    """What libraries log, in our form: the first line as it stands in their code, without what they put into it."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger()
        said = str(record.msg).partition("\n")[0]
        log.log(record.levelno, "library", logger=record.name, said=said, exc_info=record.exc_info or None)
