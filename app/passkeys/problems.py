"""Refusals about passkeys."""

from __future__ import annotations

from app.platform.problems import Problem


class PasskeyUnknown(Problem):
    status, code, title = 404, "passkey_unknown", "No such passkey"
    indonesian = "Passkey ini tidak ada di akun Anda. Lihat daftar di /v1/passkeys."
    english = "You have no such passkey. See the list at /v1/passkeys."


class PasskeysNotOffered(Problem):
    status, code, title = 404, "passkeys_not_offered", "No passkeys here"
    indonesian = "Layanan ini tidak memakai passkey. Masuk dan setujui dengan kunci di ponsel Anda."
    english = "There are no passkeys in this installation. Sign in and confirm with the key on your phone."


class PasskeyInvalid(Problem):
    status, code, title = 422, "passkey_invalid", "This passkey cannot be added"
    indonesian = (
        "Passkey ini tidak dapat ditambahkan: dibuat untuk alamat lain, tanpa verifikasi pemiliknya, atau dengan jenis "
        "kunci lain. Minta pilihan baru di /v1/passkeys/options dan buat lagi, dengan sidik jari, wajah, atau PIN perangkat."
    )
    english = (
        "This passkey cannot be added: it was made for another address, without verifying its owner, or with another kind of "
        "key. Ask for new options at /v1/passkeys/options and make it again, with the device's fingerprint, face or PIN."
    )
    leaves_trace = True


class PasskeyAlreadyAdded(Problem):
    status, code, title = 409, "passkey_already_added", "This passkey was added before"
    indonesian = (
        "Passkey ini sudah pernah ditambahkan. Lihat daftar passkey Anda; yang sudah dihapus tidak dapat dipakai lagi."
    )
    english = (
        "This passkey was added before. See your passkeys; one that was removed cannot be used again: make a new one."
    )
    constraint = "credential_is_somebodys_once"


class TooManyPasskeys(Problem):
    status, code, title = 409, "too_many_passkeys", "There are as many passkeys as there can be"
    indonesian = "Anda sudah punya {limit} passkey. Hapus satu yang tidak dipakai lagi, lalu tambahkan yang baru."
    english = "You have {limit} passkeys already. Remove one that you no longer use, then add the new one."
