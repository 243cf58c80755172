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


class ProofInvalid(Problem):
    status, code, title = 403, "proof_invalid", "The proof does not hold"
    indonesian = "Bukti ini tidak berlaku. Minta tantangan baru dan tanda tangani lagi di ponsel ini."
    english = "This proof does not hold. Ask for a new challenge and sign again on this phone."
    leaves_trace = True


class ChallengeUnknown(ProofInvalid):
    """Nothing was spent, so there is no trace to keep."""

    leaves_trace = False


class ChallengeExpired(Problem):
    status, code, title = 403, "challenge_expired", "The challenge has expired"
    indonesian = "Tantangan ini sudah lewat waktunya (5 menit). Minta yang baru dan tanda tangani lagi."
    english = "This challenge is past its 5 minutes. Ask for a new one and sign again."


class ChallengeSpent(Problem):
    status, code, title = 409, "challenge_spent", "The challenge was used already"
    indonesian = "Tantangan ini sudah dipakai. Periksa apakah tindakan Anda sudah terjadi; bila belum, minta yang baru."
    english = "This challenge was used already. See whether your act took place; if not, ask for a new one."


class HoldInForce(Problem):
    status, code, title = 403, "hold_in_force", "This key is on hold"
    indonesian = (
        "Kunci ini belum boleh menyetujui apa pun, karena baru, atau karena nomor atau kontak Anda baru berganti. "
        "Coba lagi setelah {until}."
    )
    english = (
        "This key may not confirm anything yet, because it is new, or because your number or a contact has just changed. "
        "Try again after {until}."
    )
    leaves_trace = True


class OtpInvalid(Problem):
    status, code, title = 422, "otp_invalid", "The code is wrong or no longer valid"
    indonesian = (
        "Kode salah atau tidak berlaku lagi. Sisa percobaan untuk kode ini: {tries_left}. Bila habis, daftar lagi untuk "
        "mendapat kode baru; setelah 10 percobaan dalam sehari, coba lagi besok. Bila SMS tidak datang atau nomor Anda "
        "berganti: setujui dari ponsel lama Anda, atau datang ke kantor cabang dengan KTP untuk mendapat kode cabang."
    )
    english = (
        "The code is wrong or no longer valid. Tries left with this code: {tries_left}. When there are none, enrol again "
        "for a new code; after 10 tries in one day, try again tomorrow. If no SMS comes or your number has changed: approve "
        "from your old phone, or bring your identity card to a branch for a branch code."
    )
    leaves_trace = True


class BranchCodeInvalid(Problem):
    status, code, title = 422, "branch_code_invalid", "The branch code is wrong or no longer valid"
    indonesian = (
        "Kode cabang salah, sudah dipakai, diganti, atau kedaluwarsa. Sisa percobaan: {tries_left}. Periksa ketikannya; "
        "kode baru diberikan di kantor cabang, dengan KTP."
    )
    english = (
        "The branch code is wrong, used, replaced or expired. Tries left: {tries_left}. Check what you typed; a branch "
        "gives out a new one to whoever shows their identity card."
    )
    leaves_trace = True


class CodesPaused(Problem):
    status, code, title = 503, "codes_paused", "Codes are not checked at the moment"
    indonesian = (
        "Terlalu banyak kode salah masuk dari mana-mana, jadi kode SMS tidak diperiksa untuk sementara. Percobaan Anda "
        "tidak berkurang: coba lagi sebentar lagi, setujui dari ponsel lama Anda, atau pakai kode cabang."
    )
    english = (
        "Too many wrong codes come in from everywhere, so codes by SMS are not checked for the moment. None of your tries "
        "is used up: try again shortly, approve from your old phone, or use a branch code."
    )

    def __init__(self, **members: object) -> None:
        super().__init__(headers={"Retry-After": "60"}, **members)


class ContactCodeInvalid(Problem):
    status, code, title = 422, "contact_code_invalid", "The code is wrong or no longer valid"
    indonesian = (
        "Kode salah atau tidak berlaku lagi. Sisa percobaan: {tries_left}. Bila habis, minta kode baru dengan mengganti "
        "kontak sekali lagi; setelah 10 percobaan dalam sehari, coba lagi besok. Dengan kode ini tidak ada kontak yang berubah."
    )
    english = (
        "The code is wrong or no longer valid. Tries left: {tries_left}. When there are none, ask for a new code by changing "
        "the contact once more; after 10 tries in one day, try again tomorrow. No contact was changed by this code."
    )
    leaves_trace = True


class ContactChangesTooMany(Problem):
    status, code, title = 429, "contact_changes_too_many", "Too many changes of this contact today"
    indonesian = (
        "Anda sudah 10 kali meminta kode untuk kontak ini dalam 24 jam. Coba lagi besok, atau datang ke kantor cabang."
    )
    english = "You asked for a code for this contact 10 times within 24 hours. Try again tomorrow, or go to a branch."
    constraint = "ten_contact_changes_a_day"


class EnrolmentUnknown(Problem):
    status, code, title = 404, "enrolment_unknown", "No such enrolment waits for you"
    indonesian = "Tidak ada ponsel baru dengan nomor ini yang menunggu jawaban Anda. Lihat daftar di /v1/enrolments."
    english = "No new phone of this id waits for your answer. See the list at /v1/enrolments."


class RefreshTokenReused(Problem):
    status, code, title = 401, "refresh_token_reused", "An old refresh token was used; the session has ended"
    indonesian = (
        "Token penyegar lama dipakai lagi, jadi sesi ini diakhiri demi keamanan. Masuk lagi dengan kunci ponsel Anda."
    )
    english = "An old refresh token came back, so this session was ended to be safe. Sign in again with the key on your phone."
    leaves_trace = True


class SessionUnknown(Problem):
    status, code, title = 404, "session_unknown", "No such session"
    indonesian = "Sesi ini tidak ada di akun Anda. Lihat daftar di /v1/sessions."
    english = "You have no such session. See the list at /v1/sessions."


class SupportCodesTooMany(Problem):
    status, code, title = 429, "support_codes_too_many", "Too many support codes today"
    indonesian = "Anda sudah membuat 20 kode bantuan dalam 24 jam. Pakai yang terakhir, atau coba lagi besok."
    english = "You made 20 support codes within 24 hours. Use the last one, or try again tomorrow."
    constraint = "twenty_support_codes_a_day"


class ClassNotSwitchable(Problem):
    status, code, title = 422, "class_not_switchable", "This class cannot be switched off"
    indonesian = "Pesan keamanan dan penggabungan tidak dapat dimatikan. Pilih kelas lain: card atau notice."
    english = "Messages of security and of merges cannot be switched off. Choose another class: card or notice."


class QuietHoursEmpty(Problem):
    status, code, title = 422, "quiet_hours_empty", "The quiet hours end when they begin"
    indonesian = "Jam tenang harus mulai dan berakhir pada waktu yang berbeda. Untuk meniadakannya, kirim null."
    english = "Quiet hours begin and end at different times. To have none, send null."
    constraint = "quiet_hours_last"
