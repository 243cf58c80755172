"""The mail and the short message that tell of the entries of one cause. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID, uuid5

import msgspec

from app.notifications.notification import SERIOUSNESS
from app.notifications.row import Row
from app.notifications.wording import Cause, load, newest, push_text
from app.notifications.wording.outside import render_outside, render_short
from app.notifications.wording.values import write_value
from app.platform.gsm import count_segments, to_gsm

MAIL_ENTRIES = 20
SMS_SEGMENTS = 2


class Happening(msgspec.Struct, frozen=True):
    """One entry, as a message tells it."""

    kind: str
    reach: str
    entry_class: Literal["security", "card", "notice"]
    wording: str
    data: dict[str, Any]
    cause: Cause
    merge_id: UUID | None
    occurred_at: datetime


class MailText(msgspec.Struct, frozen=True):
    subject: str
    text: str


def read_happening(row: Row) -> Happening:
    """Of a row with the columns `kind reach entry_class wording data merge_id occurred_at origin actor reason`."""
    return Happening(
        kind=row["kind"],
        reach=row["reach"],
        entry_class=row["entry_class"],
        wording=row["wording"],
        data=msgspec.json.decode(row["data"] or "{}"),
        cause=Cause(row["origin"], row["actor"], row["reason"]),
        merge_id=row["merge_id"],
        occurred_at=row["occurred_at"],
    )


def derive_message_id(cause_id: UUID, channel: str, address: str, locale: str) -> UUID:
    """The same on every retry. Another address or language makes another message, because its text is another."""
    return uuid5(cause_id, f"{channel} {address} {locale}")


def needs_stop_link(happenings: Sequence[Happening]) -> bool:
    """Whether a message about these carries the STOP link: of security, or of a merge."""
    return any(told.entry_class == "security" or told.merge_id is not None for told in happenings)


def write_mail(happenings: Sequence[Happening], locale: str, stop_link: str | None) -> MailText:
    """A generic subject, then what happened, who did it and when, for all entries of the cause; the link stands alone."""
    shell = load(newest()).outside[locale]
    told = _climbing_first(happenings)
    paragraphs = [shell["intro"], *(_tell(happening, locale) for happening in told[:MAIL_ENTRIES])]
    if len(told) > MAIL_ENTRIES:
        paragraphs.append(shell["more"].format(count=len(told) - MAIL_ENTRIES))
    if stop_link:
        paragraphs.append(f"{shell['stop']}\n{stop_link}")
    paragraphs += [shell["app"], shell["safety"]]
    entry_class = next(known for known in SERIOUSNESS if known in {happening.entry_class for happening in told})
    subject = shell["subject"].format(title=push_text(entry_class, locale).title)
    return MailText(subject, "\n\n".join(paragraphs) + "\n")


def write_sms(happenings: Sequence[Happening], locale: str, stop_link: str | None) -> str:
    """At most two segments of the alphabet of short messages: what climbs, cut down where it does not fit."""
    climbing = [happening for happening in happenings if happening.reach == "ladder"]
    first = climbing[0]
    short = render_short(first.wording, first.kind, first.data, first.cause, locale)
    title = f"{render_outside(first.wording, first.kind, first.data, first.cause, locale).title}."
    for text in (short, title):
        written = _around(text, len(climbing) - 1, locale, stop_link)
        if count_segments(written) <= SMS_SEGMENTS:
            return written
    return _around("", len(climbing), locale, stop_link)


def _tell(happening: Happening, locale: str) -> str:
    shell, words = load(newest()).outside[locale], load(newest()).words[locale]
    text = render_outside(happening.wording, happening.kind, happening.data, happening.cause, locale)
    at = write_value(happening.occurred_at.isoformat(), "instant", words, locale)
    by = write_value(happening.cause.by, "who", words, locale)
    return f"{text.title}\n{text.body}\n{shell['who'].format(at=at, who=by)}"


def _around(text: str, others: int, locale: str, stop_link: str | None) -> str:
    shell = load(newest()).outside[locale]
    parts = [text, shell["sms_more"].format(count=others) if others else ""]
    sms = shell["sms"].format(text=" ".join(filter(None, parts)))
    return to_gsm(f"{sms} {shell['sms_stop'].format(link=stop_link)}" if stop_link else sms)


def _climbing_first(happenings: Sequence[Happening]) -> list[Happening]:
    return sorted(happenings, key=lambda happening: happening.reach != "ladder")
