"""What a string from outside may hold: what can be seen, and in one spelling (Unicode form NFC). Pure.

Names and reasons are shown to people who decide by them, and are signed. A character that is not seen or turns the
direction of reading makes one text look like another; two spellings of one letter make equal texts unequal. Both are
refused rather than mended: what a person signed must be what was sent.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

# General categories Cc, Cf, Cs, Zl, Zp; what is drawn as nothing (combining grapheme joiner, Hangul and Khmer fillers);
# and noncharacters. Here as ranges, for the categories grow with Unicode and with the Python that knows it.
_CONTROL = "\x00-\x1f\x7f-\x9f"
_SURROGATES = "\ud800-\udfff"
_FORMAT = (
    "\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f"
)
_BLANK = "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"
_NONCHARACTERS = "\ufdd0-\ufdef" + "".join(
    f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000)
)
UNSEEN = re.compile(f"[{_CONTROL}{_SURROGATES}{_FORMAT}{_BLANK}{_NONCHARACTERS}]")
LONE_SURROGATE = re.compile(f"[{_SURROGATES}]")
UNSEEN_REASON = "it holds a control, direction or zero-width character, or none at all (a surrogate, a noncharacter)"
FORM_REASON = "it is not in Unicode form NFC"
LONGEST_NAME = 60  # characters of a key that are repeated to the sender


def bad_text(text: str) -> str | None:
    """Why a string is refused; None when it is taken."""
    if UNSEEN.search(text):
        return UNSEEN_REASON
    if not text.isascii() and not unicodedata.is_normalized("NFC", text):
        return FORM_REASON
    return None


def find_bad_text(value: object) -> Iterator[tuple[str, str]]:
    """The strings of a JSON value that are refused, keys included: (path such as `events[3].data.name`, reason)."""
    waiting: list[tuple[str, object]] = [("", value)]
    while waiting:
        path, item = waiting.pop()
        if isinstance(item, str):
            reason = bad_text(item)
            if reason is not None:
                yield path, reason
        elif isinstance(item, dict):
            for name, inner in item.items():
                reason = bad_text(name)
                if reason is not None:
                    yield path, f"a key: {reason}"
                elif isinstance(inner, str | dict | list):
                    waiting.append((f"{path}.{name[:LONGEST_NAME]}" if path else name[:LONGEST_NAME], inner))
        elif isinstance(item, list):
            waiting += [
                (f"{path}[{place}]", inner) for place, inner in enumerate(item) if isinstance(inner, str | dict | list)
            ]
