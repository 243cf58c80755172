"""Refusals about consents."""

from __future__ import annotations

from app.platform.problems import Problem


class PurposeUnknown(Problem):
    status, code, title = 404, "purpose_unknown", "No such purpose"
    indonesian = "Tujuan ini tidak ada. Yang dapat Anda setujui atau tolak ada di `purposes`."
    english = "There is no such purpose. `purposes` names those that you can agree or object to."
