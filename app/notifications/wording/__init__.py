"""What a history entry says, in the reader's language: pure, from its kind and data, by the wording version stored with it.

A version is one file `<version>.json` and never changes once entries were written with it: what was shown can always be
shown again. A text is a list of sentences; a sentence is a list of alternatives, of which the first whose every `{name}`
is known is taken. When none fits, the sentence is left out: erased or older data still read well.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from string import Formatter
from typing import Any

import msgspec

from app.notifications.wording.values import Words, write_value
from app.platform.wording import Wordings

FOLDER = Path(__file__).parent

Part = tuple[str, str | None, str]
"""Literal text, then the name of a fact (None at the end) and how it is written."""


class Text(msgspec.Struct, frozen=True):
    title: str
    body: str


class Cause(msgspec.Struct, frozen=True):
    """Who did it and why: `origin`, `actor` and `reason` of the entry's cause."""

    origin: str
    actor: str
    reason: str | None = None

    @property
    def by(self) -> str:
        """Who is said to have done it: whoever pressed STOP needed nothing but the link."""
        return self.actor if self.actor == "stop_link" else self.origin


Sentences = tuple[tuple[tuple[Part, ...], ...], ...]


class _Template(msgspec.Struct, frozen=True):
    title: Sentences
    body: Sentences
    sms: Sentences


class Wording(msgspec.Struct, frozen=True):
    """One version: templates by (kind, locale), words by locale, push texts by (class, locale).

    `outside` by locale: what stands around entries in mail and SMS.
    """

    templates: dict[tuple[str, str], _Template]
    words: dict[str, Words]
    push: dict[tuple[str, str], Text]
    outside: dict[str, dict[str, str]]


def _read(text: bytes) -> Wording:
    raw = msgspec.json.decode(text)
    templates = {
        (kind, locale): _Template(
            title=_read_sentences([text["title"]], raw["sentences"][locale]),
            body=_read_sentences(text["body"], raw["sentences"][locale]),
            sms=_read_sentences(text.get("sms", []), raw["sentences"][locale]),
        )
        for kind, texts in raw["kinds"].items()
        for locale, text in texts.items()
    }
    push = {
        (entry_class, locale): Text(**text)
        for locale, texts in raw["push"].items()
        for entry_class, text in texts.items()
    }
    return Wording(templates=templates, words=raw["words"], push=push, outside=raw["outside"])


WORDINGS = Wordings(FOLDER, _read)


def load(version: str) -> Wording:
    """Raises LookupError for a version that never was."""
    return WORDINGS.load(version)


def newest() -> str:
    """The version that pushes are worded by: they carry no content and belong to no entry."""
    return WORDINGS.newest()


def render(
    version: str,
    kind: str,
    data: Mapping[str, Any],
    cause: Cause,
    locale: str,
    *,
    unsaid: frozenset[str] = frozenset(),
) -> Text:
    """Title and body as plain text in `locale` (id, en), without the facts whose form is in `unsaid`.

    Raises KeyError for a kind that this version has no words for.
    """
    wording = load(version)
    facts = _facts(data, cause)
    of = data.get("of")
    if kind == "baseline" and of != kind and (of, locale) in wording.templates:
        original = render(version, str(of), data, cause, locale, unsaid=unsaid)
        facts |= {"of_title": original.title, "of_body": original.body}
    template = wording.templates[kind, locale]
    words = wording.words[locale]
    return Text(
        title=_write(template.title, facts, words, locale, unsaid),
        body=_write(template.body, facts, words, locale, unsaid),
    )


def render_sms(
    version: str, kind: str, data: Mapping[str, Any], cause: Cause, locale: str, *, unsaid: frozenset[str] = frozenset()
) -> str:
    """The short text of an entry; empty for a kind that has none. Raises KeyError as `render` does."""
    wording = load(version)
    template = wording.templates[kind, locale]
    return _write(template.sms, _facts(data, cause), wording.words[locale], locale, unsaid)


def push_text(entry_class: str, locale: str) -> Text:
    """The text of a push: says that there is something to read, never what."""
    return load(newest()).push[entry_class, locale]


def digest_text(count: int, locale: str) -> Text:
    """The text of a push about all that came in quiet hours: how many entries, never which."""
    text = push_text("digest", locale)
    return Text(text.title, text.body.format(count=count))


def _facts(data: Mapping[str, Any], cause: Cause) -> dict[str, Any]:
    facts = {**data, "origin": cause.by, "reason": data.get("reason") or cause.reason}
    for part in ("status", "balance"):
        # What stayed the same is not told as a change.
        if facts.get(f"{part}_before") == facts.get(f"{part}_after"):
            facts[f"{part}_before"] = None
    return facts


def _read_sentences(sentences: list[str | list[str]], shared: Mapping[str, str]) -> Sentences:
    return tuple(
        tuple(_parse(shared[text[1:]] if text.startswith("@") else text) for text in _alternatives(sentence))
        for sentence in sentences
    )


def _alternatives(sentence: str | list[str]) -> list[str]:
    return [sentence] if isinstance(sentence, str) else sentence


def _parse(text: str) -> tuple[Part, ...]:
    return tuple((literal, name, form or "") for literal, name, form, _ in Formatter().parse(text))


def _write(sentences: Sentences, facts: Mapping[str, Any], words: Words, locale: str, unsaid: frozenset[str]) -> str:
    written = (_write_sentence(alternatives, facts, words, locale, unsaid) for alternatives in sentences)
    return " ".join(sentence for sentence in written if sentence)


def _write_sentence(
    alternatives: tuple[tuple[Part, ...], ...],
    facts: Mapping[str, Any],
    words: Words,
    locale: str,
    unsaid: frozenset[str],
) -> str | None:
    for parts in alternatives:
        text = ""
        for literal, name, form in parts:
            if form and form in unsaid:
                break
            value = "" if name is None else write_value(facts.get(name), form, words, locale)
            if value is None:
                break
            text += literal + value
        else:
            return text
    return None
