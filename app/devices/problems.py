"""Refusals about devices."""

from __future__ import annotations

from app.platform.problems import Problem


class DeviceUnknown(Problem):
    status, code, title = 404, "device_unknown", "No such device"
    indonesian = "Perangkat ini tidak ada di akun Anda. Lihat daftar di /v1/devices."
    english = "You have no such device. See the list at /v1/devices."
