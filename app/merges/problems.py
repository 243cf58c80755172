"""Refusals about merges. Each names what to do next; what is already known of the merge travels in the members."""

from __future__ import annotations

from app.platform.problems import Problem


class MergeUnknown(Problem):
    status, code, title = 404, "merge_unknown", "No such merge"
    indonesian = "Penggabungan ini tidak ada pada Anda. Lihat semuanya di /v1/merges."
    english = "You have no such merge. See all of yours at /v1/merges."


class MergeNotAllowed(Problem):
    status, code, title = 422, "merge_not_allowed", "These cards cannot be merged"
    indonesian = "Kartu-kartu ini tidak dapat digabungkan. Alasannya ada di `reasons`."
    english = "These cards cannot be merged. `reasons` says why."


class ClaimPending(Problem):
    status, code, title = 422, "claim_pending", "A claim is under way"
    indonesian = "Ada klaim yang sedang berjalan. Tunggu sampai selesai atau ditarik, lalu coba lagi."
    english = "A claim is under way. Wait until it is finished or withdrawn, then try again."


class CardLocked(Problem):
    status, code, title = 422, "card_locked", "A card is locked"
    indonesian = "Anda mengunci kartu ini terhadap penggabungan. Buka kuncinya dahulu."
    english = "You locked this card against merging. Unlock it first."


class CardFrozen(Problem):
    status, code, title = 422, "card_frozen", "A card is frozen"
    indonesian = "Kartu ini dibekukan. Hubungi kantor cabang untuk mencabutnya."
    english = "This card is frozen. Ask a branch to lift the freeze."


class MergeAlreadyOpen(Problem):
    status, code, title = 409, "merge_already_open", "A merge is already open"
    indonesian = "Sudah ada penggabungan yang terbuka untuk salah satu kartu. Selesaikan atau batalkan yang itu dahulu."
    english = "A merge is already open for one of the cards. Finish or cancel that one first."
    constraint = "one_open_merge_per_card"


class MergePlanStale(Problem):
    status, code, title = 409, "merge_plan_stale", "The plan is no longer what was shown"
    indonesian = "Rencana berubah sejak ditampilkan. Periksa perbedaannya di `diff`, lalu setujui rencana yang baru."
    english = "The plan has changed since it was shown. Look at `diff`, then confirm the fresh plan."
    leaves_trace = True


class MergeAlreadyConfirmed(Problem):
    status, code, title = 409, "merge_already_confirmed", "The merge is confirmed already"
    indonesian = "Penggabungan ini sudah Anda setujui. Sebelum waktunya tiba, Anda masih bisa membatalkannya."
    english = "You have confirmed this merge already. Until it is executed you can still cancel it."


class MergeAlreadyExecuted(Problem):
    status, code, title = 409, "merge_already_executed", "The merge is executed already"
    indonesian = "Penggabungan ini sudah dilaksanakan. Lihat hasilnya di rincian penggabungan."
    english = "This merge has been executed. Look at the merge for what came of it."


class MergeClosed(Problem):
    status, code, title = 409, "merge_closed", "The merge is closed"
    indonesian = "Penggabungan ini sudah ditutup. Ajukan yang baru bila masih Anda inginkan."
    english = "This merge is closed ({state}). Propose a new one if you still want it."


class MergeExpired(Problem):
    status, code, title = 410, "merge_expired", "The proposal has expired"
    indonesian = "Usulan ini sudah kedaluwarsa. Ajukan yang baru bila masih Anda inginkan."
    english = "This proposal has expired. Propose a new one if you still want it."


class AcknowledgementMissing(Problem):
    status, code, title = 422, "acknowledgement_missing", "An acknowledgement is missing"
    indonesian = "Setiap peringatan harus disetujui satu per satu; yang belum ada di `codes`."
    english = "Every warning must be acknowledged one by one; `codes` names those that are missing or not in the plan."


class SurvivorUnknown(Problem):
    status, code, title = 422, "survivor_unknown", "This card is not part of the merge"
    indonesian = "Kartu ini bukan bagian dari penggabungan. Pilih salah satu kartu yang ada di dalamnya."
    english = "This card is not part of the merge. Choose one of its cards."
