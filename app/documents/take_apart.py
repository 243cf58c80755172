"""`python -m app.documents.take_apart`: a file from standard input, as a new one to standard output after a line of JSON.

What runs here may be broken by the file: it has no secrets, writes no files, and ends when it takes too much.
"""

from __future__ import annotations

import json
import sys

from app.documents.image import UnreadableError, clean_image, sniff
from app.documents.pdf import clean_pdf

LIMIT_BYTES = 10 * 1024 * 1024
MEMORY_BYTES = 1024 * 1024 * 1024
CPU_S = 20


def main() -> None:
    _bound()
    raw = sys.stdin.buffer.read(LIMIT_BYTES + 1)
    kind = sniff(raw) or ""
    try:
        content = clean_pdf(raw) if kind == "PDF" else clean_image(raw, kind)
        verdict = {"media_type": "application/pdf" if kind == "PDF" else "image/jpeg"}
    except UnreadableError as error:
        content, verdict = b"", {"refused": str(error)}
    sys.stdout.buffer.write(json.dumps(verdict).encode() + b"\n" + content)


def _bound() -> None:
    try:
        import resource
    except ImportError:
        return  # not on this platform
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
