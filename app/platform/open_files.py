"""As many open files as this process may have: each connection is one, and the usual 1,024 are few."""

from __future__ import annotations

import resource
from contextlib import suppress


def allow_many_files() -> None:
    """Raises the soft limit to the hard one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # macOS says `unlimited`, and takes less
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
