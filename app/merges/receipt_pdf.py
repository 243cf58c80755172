"""A receipt as a page to keep: Indonesian, English beneath, a QR code with the digest, and the JWS attached. Pure.

The same receipt gives the same bytes. Letters come from Noto Sans (Latin, Greek, Cyrillic, Devanagari); one that it
lacks is drawn as an empty box: what counts is the JWS, which holds every letter.
"""

from __future__ import annotations

import logging
from datetime import datetime
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

import segno
from fpdf import FPDF
from fpdf.enums import XPos, YPos

FONT = str(files("fontpkg_noto_sans") / "files" / "NotoSans[wdth,wght].ttf")
MARGIN_MM, WIDTH_MM, QR_MM = 18, 174, 34
JAKARTA = ZoneInfo("Asia/Jakarta")
ACTS = {
    "merge": ("Penggabungan yang Anda setujui", "The merge that you agreed to"),
    "accept": (
        "Penggabungan oleh sistem inti yang kemudian Anda setujui",
        "A merge by the core that you agreed to later",
    ),
    "undo": ("Pembatalan penggabungan", "The undo of the merge"),
    "reverse": (
        "Pengembalian, karena sistem inti menolak penggabungan",
        "The reversal, because the core refused the merge",
    ),
}
CORES = {
    "pending": ("belum mengonfirmasi di sistemnya sendiri", "not yet confirmed in its own system"),
    "acknowledged": ("sudah mencatat hal yang sama", "recorded the same"),
    "refused": ("menolak", "refused"),
}
STATES = {
    "pending": ("menunggu", "pending"),
    "active": ("aktif", "active"),
    "arrears": ("menunggak", "in arrears"),
    "inactive": ("tidak aktif", "inactive"),
    "claimed": ("sudah diklaim", "claimed"),
    "frozen": ("dibekukan", "frozen"),
    "merged": ("digabungkan", "merged"),
    "merged_without_consent": ("digabungkan tanpa persetujuan", "merged without consent"),
    "claim_in_progress": ("klaim berjalan", "claim in progress"),
}

# It says at every drawing which letters the font lacks; the receipt itself lacks none.
logging.getLogger("fpdf").setLevel(logging.ERROR)
logging.getLogger("fontTools").setLevel(logging.ERROR)


def draw_receipt(payload: dict[str, Any], jws: bytes) -> bytes:
    """The PDF of a receipt's payload, with its JWS as the attachment `receipt.json`."""
    page = _Page()
    merge, last = payload["merge"], payload["acts"][-1]
    page.set_creation_date(_instant(last["executed_at"]))
    page.set_title(f"Sepakat {merge['merge_id']}")
    page.embed_file(bytes=jws, basename="receipt.json", mime_type="application/jose+json")
    page.draw_code(f"{payload['issuer']}/v1/merges/{merge['merge_id']}/receipt#{last['plan_digest']}")
    page.say("Tanda terima", "Receipt", size=16)
    page.fact("Atas nama", "Name", f"{payload['participant']['name']} (NIK …{payload['participant']['nik_last4']})")
    page.fact("Penggabungan", "Merge", merge["merge_id"])
    page.fact("Diusulkan", "Proposed", _moment(merge["proposed_at"]))
    page.set_y(max(page.get_y(), MARGIN_MM + QR_MM + 2))
    for act in payload["acts"]:
        _draw_act(page, act)
    _draw_ledger(page, payload["ledger"])
    if merge["core"]:
        page.fact("Lembaga pengelola", "The agency", " / ".join(CORES[merge["core"]]))
    page.ln(3)
    page.fact("Riwayat sampai", "History up to", f"#{payload['head']['seq']}  {payload['head']['hash']}")
    page.fact("Diterbitkan", "Issued", f"{_moment(payload['issued_at'])}, {payload['issuer']}")
    page.say(
        "Lampiran receipt.json adalah tanda terima yang sah; periksa tanpa menghubungi kami: "
        "sepakat verify receipt receipt.json --jwks jwks.json",
        "The attachment receipt.json is the receipt itself; anybody can check it offline with that command.",
        size=8,
    )
    return bytes(page.output())


class _Page(FPDF):
    def __init__(self) -> None:
        super().__init__(format="A4")
        self.set_margin(MARGIN_MM)
        self.set_auto_page_break(True, MARGIN_MM)
        self.add_font("Noto", "", FONT)
        self.add_page()

    def say_line(self, text: str, size: float, grey: int, width: float = 0) -> None:
        self.set_font("Noto", size=size)
        self.set_text_color(grey)
        self.multi_cell(width or self.room(), size * 0.5, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def say(self, indonesian: str, english: str, *, size: float) -> None:
        self.say_line(indonesian, size, 0)
        self.say_line(english, size * 0.85, 110)
        self.ln(1)

    def room(self) -> float:
        """Beside the code as long as it stands there."""
        return WIDTH_MM - (QR_MM + 4 if self.page_no() == 1 and self.get_y() < MARGIN_MM + QR_MM else 0)

    def fact(self, indonesian: str, english: str, value: str) -> None:
        self.say_line(f"{indonesian} · {english}", 7, 110)
        self.say_line(value, 9, 0)

    def draw_code(self, content: str) -> None:
        modules = [[bool(module) for module in line] for line in segno.make(content, error="m", micro=False).matrix]
        size = QR_MM / len(modules)
        self.set_fill_color(0)
        for row, line in enumerate(modules):
            for column, dark in enumerate(line):
                if dark:
                    self.rect(
                        MARGIN_MM + WIDTH_MM - QR_MM + column * size, MARGIN_MM + row * size, size, size, style="F"
                    )


def _draw_act(page: _Page, act: dict[str, Any]) -> None:
    page.ln(2)
    page.say(*ACTS[act["action"]], size=12)
    after = {card["kpj"]: card for card in act["after"]["cards"]}
    for card in act["before"]["cards"]:
        then = after[card["kpj"]]
        now_id, now_en = STATES.get(card["status"], (card["status"],) * 2)
        then_id, then_en = STATES.get(then["status"], (then["status"],) * 2)
        page.say_line(
            f"{card['kpj']}: {_rupiah(card['balance'])} ({now_id}), lalu {_rupiah(then['balance'])} ({then_id})", 10, 0
        )
        page.say_line(f"{now_en}, then {then_en}", 8, 110)
    page.fact(
        "Jumlah, sebelum dan sesudah",
        "Total, before and after",
        f"{_rupiah(act['before']['total'])}; {_rupiah(act['after']['total'])}",
    )
    for shown in act["shown"]["texts"]:
        page.say(f"• {shown['id']}", f"  {shown['en']}", size=8.5)
    if key := act["device"] or act["passkey"]:
        page.fact("Disetujui", "Confirmed", f"{_moment(act['confirmed_at'])}, {key['name']}")
    page.fact("Dilaksanakan", "Carried out", _moment(act["executed_at"]))
    page.fact("Sidik rencana (SHA-256)", "Digest of the plan", act["plan_digest"])


def _draw_ledger(page: _Page, ledger: list[dict[str, Any]]) -> None:
    page.ln(2)
    page.say("Mutasi saldo", "Entries", size=12)
    for entry in ledger:
        page.say_line(
            f"{entry['kpj']}  {_rupiah(entry['amount'])}  {entry['kind']}  {entry['effective_on']}  {entry['entry_id']}",
            8,
            0,
        )


def _rupiah(amount: int) -> str:
    return f"{'−' if amount < 0 else ''}Rp{abs(amount):,}".replace(",", ".")


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _moment(text: str) -> str:
    return f"{_instant(text).astimezone(JAKARTA):%Y-%m-%d %H:%M:%S} WIB"
