"""Refusals about the export."""

from __future__ import annotations

from app.platform.problems import Problem


class ExportTooLarge(Problem):
    status, code, title = 422, "export_too_large", "Too much for one file"
    indonesian = (
        "Data Anda lebih besar daripada yang muat dalam satu berkas (bagian {part}: lebih dari {limit} baris). "
        "Mintalah di kantor cabang; riwayat dan rincian tetap dapat dibaca per halaman."
    )
    english = (
        "Your data do not fit into one file ({part}: more than {limit} rows). Ask a branch for them; your history and "
        "statements can still be read page by page."
    )
