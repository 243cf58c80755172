"""Refusals about runs of money."""

from __future__ import annotations

from app.platform.problems import Problem


class BulkRunUnknown(Problem):
    status, code, title = 404, "bulk_run_unknown", "No such run"
    indonesian = "Tidak ada proses massal dengan nama ini. /feed/v1/bulk/search menampilkan semuanya."
    english = "No run has this name. /feed/v1/bulk/search lists them all."


class BulkRunUnfit(Problem):
    status, code, title = 409, "bulk_run_unfit", "The run is in no state for this"
    indonesian = (
        "Proses massal ini {state}. Muat sampai selesai sebelum diposting; yang sudah selesai tidak diposting lagi."
    )
    english = "The run is {state}. Load it whole before it is posted; one that is done is not posted again."


class BulkLoadRefused(Problem):
    status, code, title = 409, "bulk_load_refused", "The file is not loaded under this name"
    indonesian = "Berkas ini tidak dimuat dengan nama tersebut: {reason} Beri nama lain, atau kirim berkas yang sama."
    english = "The file is not loaded under this name: {reason} Give it another name, or send the same file."
