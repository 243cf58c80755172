"""docs/notifications.md, every message with an example: `python -m app.notifications.wording_page` writes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from app.notifications.wording import FOLDER, Cause, load, newest, push_text, render

PAGE = Path(__file__).parents[2] / "docs" / "notifications.md"
LANGUAGES = {"id": "Indonesian", "en": "English"}
ORIGIN_BY_KIND = {
    "merge_proposed": "agency",
    "merge_reported": "core",
    "card_merged_without_consent": "core",
    "looked_at": "agency",
    "support_code_made": "participant",
    "baseline": "import",
    "unexplained_change": "unexplained",
}


def examples() -> dict[str, dict[str, Any]]:
    """Data as each kind of entry carries it, all keys filled."""
    found: dict[str, dict[str, Any]] = msgspec.json.decode((FOLDER / "examples.json").read_bytes())
    return found


def example_cause(kind: str) -> Cause:
    """Who would have caused an entry of this kind."""
    own = kind.startswith(("key_", "merge_", "card_un")) or kind in (
        "card_merged",
        "card_received_merge",
        "card_forwarded",
    )
    origin = ORIGIN_BY_KIND.get(kind) or ("participant" if own else "core")
    return Cause(origin, origin)


def write_page() -> str:
    """The whole page as Markdown."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield "# What people are told"
    yield ""
    yield "Written by `python -m app.notifications.wording_page` from `app/notifications/wording/`; do not edit by hand."
    yield "Reach (silent, inbox, push, ladder) and class of each kind are rows of the table `entry_kinds`."
    yield ""
    yield "## Pushes"
    yield ""
    yield "A push says that there is something to read, never what."
    yield ""
    for entry_class in ("card", "security", "notice"):
        for locale in LANGUAGES:
            text = push_text(entry_class, locale)
            yield f"- `{entry_class}`, {LANGUAGES[locale]}: **{text.title}** {text.body}"
    yield ""
    yield f"## Inbox entries, wording {newest()}"
    data = examples()
    for kind in dict.fromkeys(kind for kind, _ in load(newest()).templates):
        yield ""
        yield f"### {kind}"
        for locale in LANGUAGES:
            text = render(newest(), kind, data[kind], example_cause(kind), locale)
            yield ""
            yield f"**{text.title}** {text.body}"
    yield ""


if __name__ == "__main__":
    PAGE.write_text(write_page(), encoding="utf-8")
