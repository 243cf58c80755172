"""Refusals about who is asking."""

from __future__ import annotations

from app.platform.problems import Problem


class NotSignedIn(Problem):
    status, code, title = 401, "not_signed_in", "Not signed in"
    indonesian = "Anda belum masuk, atau sesi ini sudah berakhir. Masuk lagi dengan kunci di ponsel Anda."
    english = "You are not signed in, or this session has ended. Sign in again with the key on your phone."


class TokenExpired(Problem):
    status, code, title = 401, "token_expired", "The access token has expired"
    indonesian = "Token akses sudah kedaluwarsa. Perbarui lewat /v1/sessions/refresh, lalu ulangi."
    english = "The access token has expired. Renew it at /v1/sessions/refresh and try again."
