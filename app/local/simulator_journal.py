"""Everything the simulator took, on disk before anybody is answered, so that a restart forgets nothing."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import msgspec

Record = dict[str, Any]


class Journal:
    """An append-only file of JSON lines. Writers that come together share one fsync."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.records: list[Record] = _read_whole_lines(path)
        self._file = path.open("ab", buffering=0)
        self._waiting: list[tuple[Record, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def append(self, record: Record) -> None:
        """Returns when the record is on disk. Raises OSError if it could not be written."""
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((record, written))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        await written

    def close(self) -> None:
        """Closes the file; what was appended is on disk already."""
        self._file.close()

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            lines = b"".join(msgspec.json.encode(record) + b"\n" for record, _ in batch)
            try:
                await asyncio.to_thread(self._commit, lines)
            except OSError as error:
                for _, written in batch:
                    if not written.done():
                        written.set_exception(error)
                continue
            self.records.extend(record for record, _ in batch)
            for _, written in batch:
                if not written.done():
                    written.set_result(None)

    def _commit(self, lines: bytes) -> None:
        left = memoryview(lines)
        while left:
            left = left[self._file.write(left) :]
        os.fsync(self._file.fileno())


def _read_whole_lines(path: Path) -> list[Record]:
    """What is there; a last line torn by a kill was never answered for, and is cut off."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        with path.open("r+b") as file:
            file.truncate(len(whole))
            os.fsync(file.fileno())
    return [msgspec.json.decode(line) for line in whole.splitlines()]
