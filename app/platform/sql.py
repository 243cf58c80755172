"""SQL lives in sql/queries/<noun>/<verb>.sql; this hands it out by name.

A file holds one or more statements; each begins with a line `-- <name>: <what comes back>` and ends with `;`.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

SQL_FOLDER = Path(__file__).parents[2] / "sql"
HEADER = re.compile(r"^-- ([a-z_]+): (.+)$", re.MULTILINE)


@cache
def load(path: str) -> dict[str, str]:
    """The statements of `sql/queries/<path>.sql` by name. Raises FileNotFoundError, or ValueError without a header."""
    text = (SQL_FOLDER / "queries" / f"{path}.sql").read_text(encoding="utf-8")
    parts = HEADER.split(text)
    if parts[0].strip() or len(parts) < 4:
        raise ValueError(f"sql/queries/{path}.sql must begin with `-- name: what comes back`")
    return dict(zip(parts[1::3], parts[3::3], strict=True))


def statement(path: str, name: str | None = None) -> str:
    """One statement: `statement("cards/overview")` when the file holds one, else by its name."""
    statements = load(path)
    if name is None:
        (only,) = statements.values()
        return only
    return statements[name]
