"""A PDF written anew from what its pages need: nothing that acts, nothing inside but pages, no metadata. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pikepdf

from app.documents.image import UnreadableError

MOST_PAGES = 50
FORBIDDEN_KEYS = frozenset(("/JS", "/JavaScript", "/EmbeddedFiles", "/EF", "/XFA", "/RichMediaContent", "/AF"))
FORBIDDEN_ACTIONS = frozenset(
    ("/JavaScript", "/Launch", "/SubmitForm", "/ImportData", "/GoToE", "/GoToR", "/Rendition", "/RichMediaExecute")
)
FORBIDDEN_TYPES = FORBIDDEN_ACTIONS | {
    *("/EmbeddedFile", "/Filespec", "/FileAttachment", "/RichMedia", "/Movie", "/Sound", "/Screen", "/3D"),
}
DROPPED_KEYS = ("/OpenAction", "/AA", "/Metadata", "/PieceInfo")
START_OF_SCAN = 0xDA
STANDALONE = frozenset((0x01, *range(0xD0, 0xD9)))
KEPT_SEGMENTS = frozenset((0xE0, 0xEE))
"""JFIF and Adobe: they say how colours are meant. Every other application segment, and comments, may say who and where."""


def clean_pdf(raw: bytes) -> bytes:
    """The pages alone. Raises UnreadableError: `encrypted`, `active_content`, `too_many_pages`, `damaged`."""
    try:
        with pikepdf.open(BytesIO(raw), attempt_recovery=False) as pdf:
            return _write_anew(pdf)
    except UnreadableError:
        raise
    except pikepdf.PasswordError:
        raise UnreadableError("encrypted") from None
    except Exception:  # a parser may raise anything over a file made to break it
        raise UnreadableError("damaged") from None


def _write_anew(pdf: pikepdf.Pdf) -> bytes:
    if pdf.is_encrypted:
        raise UnreadableError("encrypted")
    if not 0 < len(pdf.pages) <= MOST_PAGES:
        raise UnreadableError("too_many_pages")
    for container in _containers(pdf):
        if FORBIDDEN_KEYS & set(container.keys()) or _says(container) & FORBIDDEN_TYPES:
            raise UnreadableError("active_content")
        for key in DROPPED_KEYS:
            if key in container:
                del container[key]
        if isinstance(container, pikepdf.Stream) and container.get("/Filter") == pikepdf.Name.DCTDecode:
            _strip_photo(container)
    if "/Info" in pdf.trailer:
        del pdf.trailer["/Info"]
    written = BytesIO()
    # Streams are copied as they are: nobody unpacks what may be a bomb.
    pdf.save(written, compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.none)
    return written.getvalue()


def _containers(pdf: pikepdf.Pdf) -> Iterator[Any]:
    """Every dictionary and stream, those that lie directly in others too."""
    waiting: list[Any] = list(pdf.objects)
    while waiting:
        found = waiting.pop()
        if isinstance(found, pikepdf.Stream | pikepdf.Dictionary):
            yield found
            waiting += [value for _, value in found.items() if _lies_directly(value)]
        elif isinstance(found, pikepdf.Array):
            waiting += [value for value in found if _lies_directly(value)]


def _lies_directly(value: Any) -> bool:
    return isinstance(value, pikepdf.Object) and not value.is_indirect


def _says(container: Any) -> set[str]:
    values = (container.get(key) for key in ("/S", "/Type", "/Subtype"))
    return {str(value) for value in values if isinstance(value, pikepdf.Name)}


def _strip_photo(stream: Any) -> None:
    photo = strip_jpeg(bytes(stream.read_raw_bytes()))
    stream.write(photo, filter=pikepdf.Name.DCTDecode, decode_parms=stream.get("/DecodeParms"))


def strip_jpeg(raw: bytes) -> bytes:
    """A JPEG without application segments and comments, its picture untouched. Raises UnreadableError: `damaged`."""
    kept = bytearray(raw[:2])
    place = 2
    while raw[place + 1] != START_OF_SCAN:
        marker = raw[place + 1]
        length = 0 if marker in STANDALONE else int.from_bytes(raw[place + 2 : place + 4])
        if raw[place] != 0xFF or (length < 2 and marker not in STANDALONE):
            raise UnreadableError("damaged")
        if marker in KEPT_SEGMENTS or not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            kept += raw[place : place + 2 + length]
        place += 2 + length
    end = raw.rfind(b"\xff\xd9")
    return bytes(kept + raw[place : end + 2 if end > place else None])
