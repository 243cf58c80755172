"""What a forked worker runs. Imported once by the process that all of them are forked from, and so without any test's imports."""

from __future__ import annotations

import os
from pathlib import Path

from workers.main import main


def work(environment: dict[str, str], log: str) -> None:
    """As `python -m workers.main` with these settings; whatever it writes is appended to the log."""
    os.environ.clear()
    os.environ.update(environment)
    with Path(log).open("ab") as output:
        for stream in (1, 2):
            os.dup2(output.fileno(), stream)
    main()
