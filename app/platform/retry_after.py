"""HTTP's Retry-After, as seconds or as a date (RFC 9110, 10.2.3). Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_WAIT_S = 3600.0


def read_retry_after(value: str, date: str, now: datetime) -> float | None:
    """Seconds to wait, from 1 to 3600; None if unreadable. A date counts from the answer's own Date."""
    value = value.strip()
    if re.fullmatch(r"[0-9]{1,9}", value, re.ASCII):
        seconds = float(value)
    else:
        due = _read_date(value)
        if due is None:
            return None
        seconds = (due - (_read_date(date) or now)).total_seconds()
    return min(max(seconds, 1.0), LONGEST_WAIT_S)


def _read_date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
