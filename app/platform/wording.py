"""Wordings by version: a folder with one file `<version>.json` each.

Old versions stay, so that what was shown can be shown again.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

Read = TypeVar("Read")


class Wordings(Generic[Read]):
    """The versions that lie in a folder, each read once. `read` makes of a file's bytes what its noun needs."""

    def __init__(self, folder: Path, read: Callable[[bytes], Read]) -> None:
        self._files = {path.stem: path for path in folder.glob("[0-9]*.json")}
        self._read = read
        self._loaded: dict[str, Read] = {}

    def newest(self) -> str:
        """The version that new things are worded by."""
        return max(self._files)

    def load(self, version: str) -> Read:
        """Raises LookupError for a version that never was."""
        if version not in self._files:
            raise LookupError(f"no wording {version!r}")
        if version not in self._loaded:
            self._loaded[version] = self._read(self._files[version].read_bytes())
        return self._loaded[version]
