"""docs/notifications.md, every message with an example: `python -m app.notifications.wording_page` writes it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from app.notifications.message import Happening, needs_stop_link, write_mail, write_sms
from app.notifications.wording import FOLDER, Cause, digest_text, load, newest, push_text, render

LADDER = FOLDER / "ladder.md"
PROVIDERS = FOLDER / "providers.md"
PREFERENCES = FOLDER / "preferences.md"
PAGE = Path(__file__).parents[2] / "docs" / "notifications.md"
LANGUAGES = {"id": "Indonesian", "en": "English"}
LINK = "https://sepakat.example/stop/abcdefghijklmnopqrstuvwxyzab"
CLIMB_AS_CARD = (
    "merge_proposed",
    "merge_executed",
    "merge_undone",
    "merge_restored",
    "merge_accepted",
    "merge_refused_by_core",
    "merge_reversed",
    "merge_refusal_disputed",
    "merge_refusal_decided",
    "undo_refused_by_core",
    "balance_differs",
    "balance_case_decided",
    "card_transferred_here",
    "case_overdue",
)
"""The kinds that climb and are of class `card`, not `security`; a test compares them with `entry_kinds`."""
CLIMB_AS_NOTICE = ("announcement_critical",)
"""The kinds that climb and are of class `notice`."""
SWITCHABLE = (
    "announcement_warning",
    "balance_agrees_again",
    "balance_case_decided",
    "card_opened",
    "card_status_changed",
    "card_transferred_here",
    "case_overdue",
    "claim_opened",
    "claim_paid",
    "claim_withdrawn",
    "contribution_posted",
    "contribution_reversed",
    "correction_decided",
    "growth_credited",
    "late_contribution_posted",
    "participant_updated",
    "possible_match_found",
    "possible_match_refused",
    "registration_checked",
)
"""The kinds that are pushed and are not mandatory; a test compares them with `entry_kinds`."""
EXAMPLE_MERGE_ID = UUID("01937f5e-7a40-7cc1-8f6e-3a2b1c0d9e8f")
EXAMPLE_AT = datetime(2026, 11, 23, 13, tzinfo=UTC)
STEPS = {
    "critical": ("at once", "15 minutes", "72 hours"),
    "warning": ("15 minutes", "4 hours", "72 hours"),
    "info": ("15 minutes", "4 hours", "72 hours"),
    "key_added": ("at once", "at once", "72 hours"),
    "announcement_critical": ("1 hour", "24 hours", "never"),
}
"""What the table `ladder_steps` says of mail, SMS and people; a test compares them."""
ORIGIN_BY_KIND = {
    "announcement_info": "agency",
    "announcement_warning": "agency",
    "announcement_critical": "agency",
    "merge_proposed": "agency",
    "merge_reported": "core",
    "merge_acknowledged": "core",
    "merge_due": "system",
    "merge_not_reported": "system",
    "merge_unanswered": "system",
    "merge_refused_by_core": "core",
    "merge_reversed": "core",
    "merge_refusal_disputed": "core",
    "merge_refusal_decided": "agency",
    "card_merged_without_consent": "core",
    "looked_at": "agency",
    "frozen_by_agency": "agency",
    "unfrozen_by_agency": "agency",
    "support_code_made": "participant",
    "baseline": "import",
    "unexplained_change": "unexplained",
    "unreached_case_opened": "system",
    "unreached_case_decided": "agency",
    "unexplained_data_change": "unexplained",
    "contact_changed": "participant",
    "contact_change_asked": "participant",
    "correction_asked": "participant",
    "correction_decided": "agency",
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
    yield "A push says that there is something to read, never what: that is for [a phone that asks](encryption.md) alone to read."
    yield ""
    for entry_class in ("card", "security", "notice"):
        for locale in LANGUAGES:
            text = push_text(entry_class, locale)
            yield f"- `{entry_class}`, {LANGUAGES[locale]}: **{text.title}** {text.body}"
    for locale in LANGUAGES:
        text = digest_text(3, locale)
        yield f"- a digest, {LANGUAGES[locale]}: **{text.title}** {text.body}"
    yield ""
    yield "## Preferences and quiet hours"
    yield ""
    kinds = ", ".join(f"`{kind}`" for kind in SWITCHABLE)
    yield PREFERENCES.read_text(encoding="utf-8").rstrip().replace("{kinds}", kinds)
    yield ""
    yield "## Providers of pushes"
    yield ""
    yield PROVIDERS.read_text(encoding="utf-8").rstrip()
    yield ""
    yield "## The ladder"
    yield ""
    yield LADDER.read_text(encoding="utf-8").rstrip().replace("{table}", _write_steps())
    yield ""
    yield "## Mail and SMS"
    for kind in climbing_kinds():
        yield from _write_messages(kind)
    yield ""
    yield f"## Inbox entries, wording {newest()}"
    data = examples()
    for kind in dict.fromkeys(kind for kind, _ in load(newest()).templates):
        yield ""
        yield f"### {kind}"
        if kind in SWITCHABLE:
            yield ""
            yield "*Can be switched off, and waits in quiet hours.*"
        for locale in LANGUAGES:
            text = render(newest(), kind, data[kind], example_cause(kind), locale)
            yield ""
            yield f"**{text.title}** {text.body}"
    yield ""


def climbing_kinds() -> list[str]:
    """The kinds that have a short text: all whose reach is `ladder`, as a test says."""
    templates = load(newest()).templates
    return list(dict.fromkeys(kind for (kind, _), template in templates.items() if template.sms))


def example_happening(kind: str) -> Happening:
    """An entry of this kind as a message would tell it."""
    return Happening(
        kind=kind,
        reach="ladder",
        entry_class="card" if kind in CLIMB_AS_CARD else "notice" if kind in CLIMB_AS_NOTICE else "security",
        wording=newest(),
        data=examples()[kind],
        cause=example_cause(kind),
        merge_id=EXAMPLE_MERGE_ID if kind.startswith(("merge_", "undo_")) else None,
        occurred_at=EXAMPLE_AT,
    )


def _write_steps() -> str:
    rows = [f"| `{ladder}` | {' | '.join(after)} |" for ladder, after in STEPS.items()]
    return "\n".join(["| severity or kind | mail | SMS | people |", "|---|---|---|---|", *rows])


def _write_messages(kind: str) -> Iterator[str]:
    yield ""
    yield f"### {kind}, outside the app"
    told = [example_happening(kind)]
    link = LINK if needs_stop_link(told) else None
    for locale in LANGUAGES:
        mail = write_mail(told, locale, link)
        yield ""
        yield f"SMS, {LANGUAGES[locale]}: {write_sms(told, locale, link)}"
        yield ""
        yield f"Mail, {LANGUAGES[locale]}:"
        yield ""
        yield "```"
        yield f"Subject: {mail.subject}"
        yield ""
        yield mail.text.rstrip()
        yield "```"


if __name__ == "__main__":
    PAGE.write_text(write_page(), encoding="utf-8")
