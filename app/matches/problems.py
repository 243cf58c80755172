"""Refusals about possible matches."""

from __future__ import annotations

from app.platform.problems import Problem


class MatchUnknown(Problem):
    status, code, title = 404, "match_unknown", "No such possible match"
    indonesian = "Kemungkinan kecocokan ini tidak ada pada Anda. Lihat semuanya di /v1/possible-matches."
    english = "You have no such possible match. See all of yours at /v1/possible-matches."


class MatchAnswered(Problem):
    status, code, title = 409, "match_answered", "The possible match is answered already"
    indonesian = "Kemungkinan kecocokan ini sudah Anda jawab ({state}). Lihat keadaannya di daftar kartu yang mungkin milik Anda."
    english = "You have answered this possible match already ({state}). See where it stands in the list of your possible matches."


class DocumentMissing(Problem):
    status, code, title = 422, "document_missing", "A document is missing"
    indonesian = "Sebutkan dokumen yang sudah diterima untuk kecocokan ini; unggah dulu bila belum."
    english = "Name documents that were received for this possible match; upload them first if you have not."
    constraint = "claim_has_its_documents"
