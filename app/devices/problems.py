"""Refusals about devices."""

from __future__ import annotations

from app.platform.problems import Problem


class DeviceUnknown(Problem):
    status, code, title = 404, "device_unknown", "No such device"
    indonesian = "Perangkat ini tidak ada di akun Anda. Lihat daftar ponsel Anda."
    english = "You have no such device. See the list of your devices."


class PushNeedsADevice(Problem):
    status, code, title = 409, "push_needs_a_device", "A push goes to a phone that is enrolled"
    indonesian = (
        "Sesi ini dimulai dengan passkey, yang tidak terikat pada satu ponsel. Daftarkan ponsel ini, lalu aktifkan "
        "pemberitahuannya; sampai saat itu semuanya ada di kotak masuk."
    )
    english = (
        "This session was begun with a passkey, which is on no phone in particular. Enrol this phone, then turn on its "
        "notifications; until then everything is in the inbox."
    )


class PushKindUnavailable(Problem):
    status, code, title = 409, "push_kind_unavailable", "No pushes of this kind here"
    indonesian = (
        "Layanan ini tidak mengirim pemberitahuan dengan cara ini. Lihat push_targets di /v1/capabilities; sampai ponsel "
        "terhubung dengan salah satunya, semuanya ada di kotak masuk."
    )
    english = (
        "This installation sends no pushes of this kind. See push_targets in /v1/capabilities; until the phone is set up "
        "with one of those, everything is in the inbox."
    )
