"""One-time codes and the text that carries them. Pure."""

from __future__ import annotations

import hmac
import re
from uuid import UUID

from app.identity.tokens import derive_key

CODE_DIGITS = 8
NAME_MAX_CHARACTERS = 40


def one_time_code(secret: str, subject_id: UUID) -> str:
    """The 8 digits that verify an enrolment or the change of a contact, by its id: derived, never stored.

    The worker that sends the code and the API that checks it compute it alike from the server's secret; whoever reads
    the database, a backup or the replication stream learns no code from it.
    """
    digest = hmac.digest(derive_key(secret, "one-time code"), subject_id.bytes, "sha256")
    return str(int.from_bytes(digest) % 10**CODE_DIGITS).zfill(CODE_DIGITS)


def code_text(code: str, device_name: str, locale: str, stop_link: str) -> str:
    """The short message. The code is its only run of 8 digits, and the STOP link all that can be tapped."""
    name = plain_name(device_name)
    if locale == "en":
        return f"Sepakat: code {code} for the new phone {name}. Give it to nobody. Not you? STOP: {stop_link}"
    return (
        f"Sepakat: kode {code} untuk ponsel baru {name}. Jangan berikan kepada siapa pun. Bukan Anda? STOP: {stop_link}"
    )


def contact_code_text(code: str, locale: str) -> str:
    """The short message to a number that is to be somebody's contact. No link: it may be a stranger's."""
    if locale == "en":
        return f"Sepakat: code {code} to use this number for your account. Give it to nobody. Not you? Ignore this."
    return f"Sepakat: kode {code} untuk memakai nomor ini di akun Anda. Jangan berikan kepada siapa pun. Bukan Anda? Abaikan."


def contact_code_mail(code: str, locale: str) -> tuple[str, str]:
    """Subject and text of the mail to an address that is to be somebody's contact. The code stands in the text alone."""
    if locale == "en":
        text = (
            f"Code {code}: type it in the app to use this address for your account. It is good for 5 minutes.\n\n"
            "Give it to nobody; we never ask for it. If it was not you who asked, ignore this mail: nothing changes.\n"
        )
        return "Sepakat: confirm this address", text
    text = (
        f"Kode {code}: ketik di aplikasi untuk memakai alamat ini di akun Anda. Kode berlaku 5 menit.\n\n"
        "Jangan berikan kepada siapa pun; kami tidak pernah memintanya. Jika bukan Anda yang meminta, abaikan surat ini: "
        "tidak ada yang berubah.\n"
    )
    return "Sepakat: pastikan alamat ini", text


def plain_name(device_name: str) -> str:
    """A device's name as it may stand in a message: whoever enrols chooses it, so no links and no other code."""
    letters = re.sub(r"[^\w \-]|_", "", device_name)
    short = re.sub(r"\d{5,}", "…", letters)[:NAME_MAX_CHARACTERS]
    return f'"{" ".join(short.split())}"'
