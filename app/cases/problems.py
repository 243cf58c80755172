"""Refusals about cases."""

from __future__ import annotations

from app.platform.problems import Problem


class HeirCaseUnknown(Problem):
    status, code, title = 404, "heir_case_unknown", "No such case"
    indonesian = (
        "Tidak ada berkas dengan nomor ini. Bila Anda baru mengirimnya, kode cabang atau NIK almarhum tidak cocok: periksa "
        "dan kirim lagi, atau kembali ke kantor cabang."
    )
    english = (
        "There is no case with this id. If you have just sent it, the branch code or the identity number of the deceased did "
        "not fit: check and send again, or go back to the branch."
    )


class CorrectionOpen(Problem):
    status, code, title = 409, "correction_open", "A correction of this is being looked at"
    indonesian = (
        "Koreksi untuk data ini sudah Anda minta dan belum diputuskan. Tunggu jawabannya di daftar koreksi Anda."
    )
    english = "You asked for a correction of this already, and it is not decided yet. See the list of your corrections."
    constraint = "one_open_correction_per_field"
