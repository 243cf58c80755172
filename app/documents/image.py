"""What a file is, by its content, and photos as new pictures: nothing of the old file but what it shows. Pure."""

from __future__ import annotations

import warnings
from io import BytesIO

from PIL import Image, ImageOps

MOST_PIXELS = 60_000_000
LONGEST_SIDE_PIXELS = 3000
JPEG_QUALITY = 88
SIGNATURES = ((b"\xff\xd8\xff", "JPEG"), (b"\x89PNG\r\n\x1a\n", "PNG"), (b"%PDF-", "PDF"))


class UnreadableError(ValueError):
    """This content is not taken; the message is a stable word for why."""


def sniff(raw: bytes) -> str | None:
    """JPEG, PNG or PDF by the first bytes; None for anything else."""
    return next((kind for signature, kind in SIGNATURES if raw.startswith(signature)), None)


def clean_image(raw: bytes, kind: str) -> bytes:
    """The picture encoded anew as JPEG, at most 3000 pixels wide or high, upright, without any metadata.

    Raises UnreadableError: `too_many_pixels`, `damaged`.
    """
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(BytesIO(raw), formats=(kind,)) as image:
                return _draw_anew(image)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError):
            raise UnreadableError("too_many_pixels") from None
        except UnreadableError:
            raise
        except Exception:  # a decoder may raise anything over a file made to break it
            raise UnreadableError("damaged") from None


def _draw_anew(image: Image.Image) -> bytes:
    if image.width * image.height > MOST_PIXELS:
        raise UnreadableError("too_many_pixels")
    image.draft("RGB", (LONGEST_SIDE_PIXELS, LONGEST_SIDE_PIXELS))  # JPEG is decoded no larger than needed
    upright = ImageOps.exif_transpose(image)
    upright.thumbnail((LONGEST_SIDE_PIXELS, LONGEST_SIDE_PIXELS))
    if upright.has_transparency_data:
        upright = upright.convert("RGBA")
        paper = Image.new("RGBA", upright.size, "white")
        upright = Image.alpha_composite(paper, upright)
    picture = upright.convert("RGB")
    picture.info.clear()  # a comment would be written again
    written = BytesIO()
    picture.save(written, "JPEG", quality=JPEG_QUALITY)
    return written.getvalue()
