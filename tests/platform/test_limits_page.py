"""docs/limits.md says what app/limits.json says, and what the edges of a request really are."""

from __future__ import annotations

import re
from pathlib import Path

from litestar.handlers import HTTPRouteHandler

from app.main import LIMITS
from app.platform.headers import ALWAYS, HSTS
from app.platform.strict_json import DEEPEST, DEFAULT_LIMIT_BYTES
from app.routes import API_ROUTES, FEED_ROUTES

PAGE = (Path(__file__).parents[2] / "docs" / "limits.md").read_text(encoding="utf-8")
KINDS = {"public": "every other public route", "changes": "every other route that changes something"}


def test_the_table_of_limits_is_the_one_that_counts() -> None:
    rows = [
        "| `{}` | {} | {} | {} | {} | {} |".format(
            limit.name,
            ", ".join(KINDS.get(route, f"`{route}`") for route in limit.routes),
            limit.per.replace("_", " "),
            limit.per_minute,
            limit.at_once,
            limit.when_away,
        )
        for limit in LIMITS
    ]
    (table,) = re.findall(r"^\| limit \|.*\n\|[-|]+\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    assert table.splitlines() == rows, "docs/limits.md should have\n" + "\n".join(rows)


def test_sizes_and_depth_are_told() -> None:
    handlers = [route for route in (*API_ROUTES, *FEED_ROUTES) if isinstance(route, HTTPRouteHandler)]
    own = {handler.opt["body_limit"] for handler in handlers if "body_limit" in handler.opt}
    for size in (DEFAULT_LIMIT_BYTES, *own):
        told = f"{size // 1024 // 1024} MiB" if size >= 1024 * 1024 else f"{size // 1024} KiB"
        assert told in PAGE, told
    assert f"{DEEPEST} levels" in PAGE


def test_every_header_is_told_with_its_value() -> None:
    for name, value in (*ALWAYS.items(), HSTS):
        shown = re.search(rf"^\| `{name.decode()}` \| `(.*?)`", PAGE, re.MULTILINE | re.IGNORECASE)
        assert shown is not None, name
        assert shown.group(1) == value.decode()
