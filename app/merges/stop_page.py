"""The pages behind a STOP link: Indonesian and English, without scripts, and nothing on them that leads elsewhere. Pure."""

from __future__ import annotations

import hashlib
from base64 import b64encode

STYLE = (
    "body{font:1.1rem/1.5 sans-serif;max-width:34rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}"
    "button{font:inherit;font-weight:bold;padding:.8rem 1.6rem;border:0;border-radius:.4rem;background:#b00020;color:#fff}"
    "section{margin-bottom:2rem}"
)
_STYLE_HASH = b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "X-Content-Type-Options": "nosniff",
}
MEDIA_TYPE = "text/html"

_FORM = '<form method="post" action=""><button type="submit">STOP</button></form>'


def _page(*sections: tuple[str, str, str]) -> str:
    told = "".join(
        f'<section lang="{lang}"><h1>{heading}</h1>{paragraphs}</section>' for lang, heading, paragraphs in sections
    )
    return (
        '<!doctype html><html lang="id"><head><meta charset="utf-8"><title>Sepakat: STOP</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex, nofollow">'
        f"<style>{STYLE}</style></head><body>{told}</body></html>"
    )


ASK = _page(
    (
        "id",
        "Hentikan semuanya?",
        (
            "<p>Tekan STOP bila ada yang bukan dari Anda: ponsel baru, persetujuan, atau penggabungan kartu.</p>"
            "<ul><li>Semua penggabungan yang terbuka dibatalkan.</li>"
            "<li>Semua kartu Anda dibekukan: tidak ada yang dapat digabungkan.</li></ul>"
            "<p>Saldo tidak berubah dan iuran tetap masuk. Pembekuan dicabut dari ponsel yang kuncinya sudah lebih dari 72 jam, "
            f"atau di kantor cabang. Selama Anda belum menekan, tidak ada yang terjadi.</p>{_FORM}"
        ),
    ),
    (
        "en",
        "Stop everything?",
        (
            "<p>Press STOP if something was not you: a new phone, an agreement, or a merge of cards.</p>"
            "<ul><li>Every open merge is cancelled.</li><li>All your cards are frozen: nothing can be merged.</li></ul>"
            "<p>No balance changes, and contributions still arrive. The freeze is lifted from a phone whose key is older than "
            f"72 hours, or at a branch. Until you press, nothing happens.</p>{_FORM}"
        ),
    ),
)
DONE = _page(
    (
        "id",
        "Sudah dihentikan",
        (
            "<p>Penggabungan yang terbuka sudah dibatalkan dan semua kartu Anda dibekukan. Buka aplikasi untuk melihat siapa "
            "yang masuk, dan keluarkan ponsel yang bukan milik Anda. Pembekuan dicabut dari ponsel yang kuncinya sudah lebih "
            "dari 72 jam, atau di kantor cabang dengan membawa KTP.</p>"
        ),
    ),
    (
        "en",
        "Stopped",
        (
            "<p>Open merges are cancelled and all your cards are frozen. Open the app to see who is signed in, and remove any "
            "phone that is not yours. The freeze is lifted from a phone whose key is older than 72 hours, or at a branch with "
            "your identity card.</p>"
        ),
    ),
)
UNKNOWN = _page(
    (
        "id",
        "Tautan ini tidak berlaku",
        (
            "<p>Tautan STOP berlaku 30 hari. Pakai tautan dari pesan terbaru, batalkan dari aplikasi, atau hubungi kantor "
            "cabang.</p>"
        ),
    ),
    (
        "en",
        "This link is not valid",
        "<p>A STOP link is good for 30 days. Use the one in the newest message, cancel in the app, or contact a branch.</p>",
    ),
)
