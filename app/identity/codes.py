"""One-time codes and the text that carries them. Pure."""

from __future__ import annotations

import hmac
import re
from uuid import UUID

from app.identity.tokens import derive_key

CODE_DIGITS = 8
NAME_MAX_CHARACTERS = 40


def one_time_code(secret: str, enrolment_id: UUID) -> str:
    """The 8 digits that verify an enrolment: derived, never stored.

    The worker that sends the code and the API that checks it compute it alike from the server's secret; whoever reads
    the database, a backup or the replication stream learns no code from it.
    """
    digest = hmac.digest(derive_key(secret, "one-time code"), enrolment_id.bytes, "sha256")
    return str(int.from_bytes(digest) % 10**CODE_DIGITS).zfill(CODE_DIGITS)


def code_text(code: str, device_name: str, locale: str, stop_link: str) -> str:
    """The short message. The code is its only run of 8 digits, and the STOP link all that can be tapped."""
    name = plain_name(device_name)
    if locale == "en":
        return f"Sepakat: code {code} for the new phone {name}. Give it to nobody. Not you? STOP: {stop_link}"
    return (
        f"Sepakat: kode {code} untuk ponsel baru {name}. Jangan berikan kepada siapa pun. Bukan Anda? STOP: {stop_link}"
    )


def plain_name(device_name: str) -> str:
    """A device's name as it may stand in a message: whoever enrols chooses it, so no links and no other code."""
    letters = re.sub(r"[^\w \-]|_", "", device_name)
    short = re.sub(r"\d{5,}", "…", letters)[:NAME_MAX_CHARACTERS]
    return f'"{" ".join(short.split())}"'
