"""Refusals about the inbox."""

from __future__ import annotations

from app.platform.problems import Problem


class EntryUnknown(Problem):
    status, code, title = 404, "entry_unknown", "No such entry"
    indonesian = "Pesan ini tidak ada di kotak masuk Anda. Muat ulang kotak masuk, lalu pilih pesannya lagi."
    english = "This message is not in your inbox. Load the inbox again and choose the message there."
