"""Refusals about merges. Each names what to do next; what is already known of the merge travels in the members."""

from __future__ import annotations

from app.platform.problems import Problem


class MergeUnknown(Problem):
    status, code, title = 404, "merge_unknown", "No such merge"
    indonesian = "Penggabungan ini tidak ada pada Anda. Lihat daftar penggabungan Anda."
    english = "You have no such merge. See the list of your merges."


class MergeNotAllowed(Problem):
    status, code, title = 422, "merge_not_allowed", "These cards cannot be merged"
    indonesian = "Kartu-kartu ini tidak dapat digabungkan. Alasannya ada di `reasons`."
    english = "These cards cannot be merged. `reasons` says why."
    constraint = "held_participant_merges_nothing"


class ClaimPending(Problem):
    status, code, title = 422, "claim_pending", "A claim is under way"
    indonesian = "Ada klaim yang sedang berjalan. Tunggu sampai selesai atau ditarik, lalu coba lagi."
    english = "A claim is under way. Wait until it is finished or withdrawn, then try again."


class CardLocked(Problem):
    status, code, title = 422, "card_locked", "A card is locked"
    indonesian = "Anda mengunci kartu ini terhadap penggabungan. Buka kuncinya dahulu."
    english = "You locked this card against merging. Unlock it first."
    constraint = "locked_card_is_in_no_merge"


class CardFrozen(Problem):
    status, code, title = 422, "card_frozen", "A card is frozen"
    indonesian = "Kartu ini dibekukan. Cabut dari ponsel yang kuncinya lebih dari 72 jam, atau di kantor cabang."
    english = "This card is frozen. Lift it from a phone whose key is older than 72 hours, or at a branch."
    constraint = "frozen_card_is_in_no_merge"


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


class MergeSuperseded(Problem):
    """For an undo: the merge that stands on this one. For a proposal: the one that the core reported of its cards meanwhile."""

    status, code, title = 409, "merge_superseded", "A later merge stands on this one or took its place"
    indonesian = "Ada penggabungan yang lebih baru di atasnya atau yang menggantikannya (`merge_id`). Selesaikan yang itu dahulu."
    english = "A later merge stands on this one or took its place (`merge_id`). Settle that one first: undo, dispute or accept."


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


class MergeNotReported(Problem):
    status, code, title = 409, "merge_not_reported", "The merge was not reported by the core"
    indonesian = (
        "Hanya penggabungan laporan sistem inti yang dapat disanggah atau disetujui kemudian; yang ini {state}."
    )
    english = "Only a merge that the core reported can be disputed or accepted afterwards; this one is {state}."


class MergeAlreadyDisputed(Problem):
    status, code, title = 409, "merge_already_disputed", "The merge is disputed already"
    indonesian = "Sanggahan Anda sudah tercatat. Jawabannya akan datang dalam 3×24 jam; lihat di daftar kasus Anda."
    english = "Your dispute is on file. The answer comes within 3×24 hours; see the list of your cases."


class MergeAlreadyAccepted(Problem):
    status, code, title = 409, "merge_already_accepted", "The merge is accepted already"
    indonesian = "Penggabungan ini sudah Anda setujui, dan persetujuan itu sudah dilaksanakan."
    english = "You have accepted this merge, and that has been carried out."


class ReceiptNotYet(Problem):
    status, code, title = 409, "receipt_not_yet", "There is nothing to give a receipt for yet"
    indonesian = "Belum ada yang dilaksanakan dari penggabungan ini ({state}); tanda terimanya ada sesudah itu."
    english = "Nothing of this merge has been carried out yet ({state}); its receipt exists once it has."
