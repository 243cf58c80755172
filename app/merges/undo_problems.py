"""Refusals of an undo. Each names what to do next."""

from __future__ import annotations

from app.platform.problems import Problem


class MergeNotExecuted(Problem):
    status, code, title = 409, "merge_not_executed", "The merge was not executed"
    indonesian = (
        "Penggabungan ini tidak dilaksanakan ({state}), jadi tidak ada yang dikembalikan. Batalkan atau sanggah saja."
    )
    english = "This merge has not been executed ({state}), so there is nothing to undo. Cancel or dispute it instead."


class UndoWindowOver(Problem):
    status, code, title = 410, "undo_window_over", "The time for an undo is over"
    indonesian = "Waktu untuk membatalkan penggabungan ini sudah lewat ({undo_until}). Hubungi kantor cabang bila ada yang salah."
    english = "The time to undo this merge ended at {undo_until}. Contact a branch if something is wrong."


class UndoMoneyLeft(Problem):
    status, code, title = 422, "undo_money_left", "Money has left the card since the merge"
    indonesian = (
        "Sejak digabung, ada uang yang keluar dari kartu ini (lihat `figures`). Kantor cabang dapat membantu Anda."
    )
    english = "Since the merge money has left this card (`figures` says what). Ask a branch to undo it."


class UndoUnavailable(Problem):
    status, code, title = 503, "undo_unavailable", "An undo is not possible just now"
    indonesian = "Pembatalan belum dapat dilaksanakan saat ini; tidak ada yang berubah. Coba lagi sebentar lagi."
    english = "The undo cannot be carried out just now; nothing was changed. Try again in a moment."
    constraint = "undo_is_sealed"

    def __init__(self, **members: object) -> None:
        super().__init__(headers={"Retry-After": "5"}, **members)


class MergesPaused(Problem):
    status, code, title = 503, "merges_paused", "Merges are paused"
    indonesian = (
        "Pelaksanaan penggabungan dan pengembaliannya sedang dihentikan; tidak ada yang berubah. Coba lagi nanti."
    )
    english = "Carrying out merges and undoing them is paused; nothing was changed. Try again later."
    constraint = "merges_are_paused"

    def __init__(self, **members: object) -> None:
        super().__init__(headers={"Retry-After": "300"}, **members)
