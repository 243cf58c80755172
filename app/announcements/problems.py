"""Refusals about announcements."""

from __future__ import annotations

from app.platform.problems import Problem


class AnnouncementUnknown(Problem):
    status, code, title = 404, "announcement_unknown", "No such announcement"
    indonesian = "Pengumuman ini tidak dikirim kepada Anda. Lihat semua pengumuman Anda di /v1/announcements."
    english = "This announcement was not sent to you. See all of yours at /v1/announcements."
