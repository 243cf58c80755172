"""CSV as lines and cells: UTF-8 with or without byte order mark, commas, quoted cells, gzip.

Every physical line is one row: no cell may hold a line break, so a quote that is never closed spoils its own line and not the
rest of the file.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from app.platform.table_problems import BadLine, TableRefused

MAX_LINE_BYTES = 10_000
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
OTHER_ENCODINGS = (b"\xff\xfe", b"\xfe\xff")
GZIP_MAGIC = b"\x1f\x8b"


class CsvSource:
    """The cells of each line that is not blank, without surrounding spaces. Undecodable bytes become lone surrogates."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        """`lines` are raw lines with their line ends. Raises TableRefused for a header that cannot be read."""
        self._lines = enumerate(lines, start=1)
        self.columns = _read_header(next(self._lines, (1, b""))[1])

    def __iter__(self) -> Iterator[tuple[int, list[str] | BadLine]]:
        width = len(self.columns)
        for number, line in self._lines:
            if line.strip(b" \t\r\n"):
                cells = _split(line)
                if isinstance(cells, list) and len(cells) != width:
                    cells = BadLine(f"has {len(cells)} fields, needs {width}", line[:MAX_LINE_BYTES])
                yield number, cells


def open_lines(path: Path) -> Iterator[bytes]:
    """The lines of a file, unpacked if it is gzip; of one that is too long only its start, which is too long as well.

    Raises TableRefused where a packed file is broken, or OSError.
    """
    with path.open("rb") as raw:
        packed = raw.read(2) == GZIP_MAGIC
        raw.seek(0)
        stream: io.BufferedIOBase = gzip.GzipFile(fileobj=raw) if packed else raw
        try:
            while line := stream.readline(MAX_LINE_BYTES + 2):
                yield line
                while not line.endswith(b"\n") and (line := stream.readline(MAX_LINE_BYTES + 2)):
                    pass
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise TableRefused("the packed file is cut or damaged; pack it again") from error


def _split(line: bytes) -> list[str] | BadLine:
    if len(line) > MAX_LINE_BYTES:
        return BadLine(f"is longer than {MAX_LINE_BYTES} bytes", line[:MAX_LINE_BYTES])
    text = line.decode("utf-8", "surrogateescape").rstrip("\r\n")
    if '"' not in text:
        return [cell.strip(" ") for cell in text.split(",")]
    try:
        return [cell.strip(" ") for cell in next(csv.reader([text], strict=True))]
    except csv.Error:
        return BadLine("has a quotation mark that is not closed or not doubled", line)


def _read_header(line: bytes) -> list[str]:
    if line.startswith(OTHER_ENCODINGS):
        raise TableRefused("is not UTF-8; save it as CSV UTF-8")
    names = _split(line.removeprefix(BYTE_ORDER_MARK))
    if isinstance(names, BadLine):
        raise TableRefused(f"the header {names.reason}")
    return names
