"""Refusals to staff, and of the support codes that let them in."""

from __future__ import annotations

from app.platform.problems import Problem


class StaffTokenInvalid(Problem):
    status, code, title = 401, "staff_token_invalid", "No valid staff token"
    indonesian = "Token petugas tidak ada atau tidak sah. Masuk lewat penyedia identitas lembaga, lalu ulangi."
    english = "There is no valid staff token. Sign in at the agency's identity provider and try again."


class StaffTokenExpired(Problem):
    status, code, title = 401, "staff_token_expired", "The staff token has expired"
    indonesian = "Token petugas sudah kedaluwarsa. Masuk lagi lewat penyedia identitas lembaga, lalu ulangi."
    english = "The staff token has expired. Sign in again at the agency's identity provider and try again."


class StaffRoleInsufficient(Problem):
    status, code, title = 403, "staff_role_insufficient", "Another role is needed for this"
    indonesian = "Tindakan ini memerlukan peran {needed} pada token Anda. Mintalah peran itu, lalu masuk lagi."
    english = "This takes the role {needed} in your token. Ask for that role, then sign in again."


class StaffKeysAway(Problem):
    status, code, title = 503, "staff_keys_away", "The identity provider does not answer"
    indonesian = "Kunci penyedia identitas lembaga sedang tidak dapat diambil. Coba lagi sebentar lagi."
    english = "The keys of the agency's identity provider cannot be fetched just now. Try again in a moment."


class CaseUnknown(Problem):
    status, code, title = 404, "case_unknown", "No such case"
    indonesian = "Kasus ini tidak ada. Cari kasus yang menunggu lewat /staff/v1/cases/search."
    english = "There is no such case. Search for those that wait at /staff/v1/cases/search."


class DocumentUnknown(Problem):
    status, code, title = 404, "document_unknown", "The case has no such document"
    indonesian = "Kasus ini tidak memiliki dokumen itu. Lihat daftar dokumen pada kasusnya."
    english = "This case has no such document. See the list of documents in the case."


class DocumentAway(Problem):
    status, code, title = 503, "document_away", "The document cannot be fetched just now"
    indonesian = "Dokumen belum dapat diambil utuh dari penyimpanan. Coba lagi sebentar lagi; bila terulang, laporkan."
    english = "The store did not give this document whole. Try again in a moment; report it if that recurs."


class PurposeUnfit(Problem):
    status, code, title = 422, "purpose_unfit", "The purpose does not fit the case"
    indonesian = (
        "Kasus hanya dibuka untuk perkaranya sendiri, atau untuk bantuan (support). Sebutkan tujuan yang benar."
    )
    english = "A case is opened for what it is about, or for `support`. State the true purpose."
    constraint = "purpose_fits_the_case"


class DecisionUnfit(Problem):
    status, code, title = 422, "decision_unfit", "The case is not decided like that"
    indonesian = "Kasus jenis {kind} diputus dengan salah satu dari: {decisions}."
    english = "A case of kind {kind} is decided as one of: {decisions}."


class CaseDecidedAlready(Problem):
    status, code, title = 409, "case_decided_already", "The case is decided already"
    indonesian = "Kasus ini sudah diputus, atau sudah diakhiri oleh pesertanya. Tidak ada yang berubah."
    english = "This case is decided, or was ended by its participant. Nothing was changed."
    constraint = "case_is_open"


class DecisionDiffers(Problem):
    status, code, title = 409, "decision_differs", "A colleague proposed another decision"
    indonesian = "Rekan Anda mengusulkan {decision}. Setujui usulan itu, bicarakan, atau mintalah supervisor."
    english = "A colleague proposed {decision}. Confirm that, talk to them, or ask a supervisor."


class CardNotFree(Problem):
    status, code, title = 409, "card_not_free", "The card cannot move now"
    indonesian = (
        "Kartu ini sedang dalam penggabungan atau klaim, dibekukan, dikunci, atau sudah pindah. Akhiri itu dahulu."
    )
    english = "The card stands in a merge or claim, is frozen, locked or gone. End that first, then decide again."
    constraint = "card_is_free_to_go"


class SecondPersonNeeded(Problem):
    status, code, title = 409, "second_person_needed", "The second person must be another one"
    indonesian = "Orang kedua harus orang lain dari lembaga yang sama. Mintalah rekan Anda menyetujuinya."
    english = "The second person must be somebody else, of the same identity provider. Ask a colleague to confirm."
    constraint = "proposal_and_confirmation_are_of_two_people"


class SupportCodeUnknown(Problem):
    """Wrong, expired, ended by a newer one, or in use by a colleague: all the same, so that a guess tells nothing."""

    status, code, title = 404, "support_code_unknown", "Nobody is behind this code"
    indonesian = "Kode ini tidak berlaku. Mintalah peserta membuat kode baru. Sisa percobaan jam ini: {tries_left}."
    english = "This code is not valid. Ask the participant to make a new one. Tries left this hour: {tries_left}."
    leaves_trace = True


class SupportCodeTriesSpent(Problem):
    status, code, title = 429, "support_code_tries_spent", "Too many wrong support codes"
    indonesian = "Terlalu banyak kode salah dari Anda. Coba lagi setelah {again_at}."
    english = "You tried too many wrong codes. Try again after {again_at}."


class BalanceStillDiffers(Problem):
    status, code, title = 409, "balance_still_differs", "The balances still differ"
    indonesian = (
        "Saldo menurut sistem inti belum sama dengan saldo di sini. Tunggu kejadian yang kurang, lalu putuskan lagi."
    )
    english = "The core's figure is not ours yet. Wait for the events that are missing, then decide again."
    constraint = "comparison_agrees"


class ParticipantUnknown(Problem):
    status, code, title = 404, "participant_unknown", "Nobody has this identity number"
    indonesian = "Tidak ada peserta dengan NIK ini. Periksa nomornya pada KTP."
    english = "No participant has this identity number. Compare it with the identity card."


class FreezeChangesNothing(Problem):
    status, code, title = 409, "freeze_changes_nothing", "The cards stand like that already"
    indonesian = (
        "Kartu peserta ini sudah seperti itu: semuanya sudah dibekukan, atau tidak ada pembekuan untuk dicabut."
    )
    english = (
        "The cards of this participant are all frozen already, or there is no freeze to lift. Nothing was changed."
    )
    constraint = "freeze_changes_something"
