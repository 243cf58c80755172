"""Refusals about cards."""

from __future__ import annotations

from app.platform.problems import Problem


class CardUnknown(Problem):
    status, code, title = 404, "card_unknown", "No such card"
    indonesian = "Kartu ini bukan salah satu kartu Anda. Periksa nomornya, atau lihat daftar kartu Anda."
    english = "This is not one of your cards. Check the number, or see the list of your cards."
