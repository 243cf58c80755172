"""Refusals about documents."""

from __future__ import annotations

from app.platform.problems import Problem


class DocumentTypeUnsupported(Problem):
    status, code, title = 415, "document_type_unsupported", "This is not a JPEG, PNG or PDF"
    indonesian = "Isi berkas ini bukan JPEG, PNG, atau PDF. Kirim foto atau pindaian dalam salah satu bentuk itu."
    english = "What this file holds is no JPEG, PNG or PDF. Send a photo or scan in one of these forms."


class DocumentUnreadable(Problem):
    status, code, title = 422, "document_unreadable", "The document cannot be taken"
    indonesian = "Dokumen ini tidak dapat diterima ({reason}). Foto ulang, atau simpan ulang tanpa sandi dan isi aktif."
    english = (
        "This document cannot be taken ({reason}). Photograph it again, or save it anew without password and scripts."
    )


class DocumentsTooMany(Problem):
    status, code, title = 422, "documents_too_many", "There are enough documents"
    indonesian = "Sudah ada {limit} dokumen untuk hal ini. Lanjutkan dengan yang sudah ada."
    english = "There are {limit} documents about this already. Go on with those."
