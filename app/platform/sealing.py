"""Identity numbers and contacts at rest: sealed with AES-256-GCM, looked up by a keyed hash.

The key file holds lines of `lookup ID KEY` and `data ID KEY` (KEY is 32 bytes, base64url). The first data key seals, every
one opens; the first look-up key hashes. Whoever seals looks whether the file was changed, and whoever meets a data key that
it does not know reads it again, so that a rotation needs no restart.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache
from pathlib import Path
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.settings import SettingsError

KEY_BYTES = 32
NONCE_BYTES = 12
ID_BYTES = 4
LINE = re.compile(r"(lookup|data) ([0-9a-f]{8}) ([A-Za-z0-9_-]{43})")


class SealBroken(ValueError):
    """What was stored was not sealed for this place, or by no key of this installation."""


class Keys:
    """The keys of one file as it was when it was read."""

    def __init__(self, text: str) -> None:
        """Raises ValueError, saying what is wrong with the file."""
        self.data: dict[bytes, bytes] = {}
        lookups: list[bytes] = []
        for line in filter(None, map(str.strip, text.splitlines())):
            parts = LINE.fullmatch(line)
            if parts is None:
                raise ValueError("a line is neither `lookup ID KEY` nor `data ID KEY`")
            key = urlsafe_b64decode(parts[3] + "=")
            if parts[1] == "lookup":
                lookups.append(key)
            elif self.data.setdefault(bytes.fromhex(parts[2]), key) != key:
                raise ValueError(f"data key {parts[2]} stands in it twice")
        if not self.data or not lookups:
            raise ValueError("it needs a data key and a look-up key")
        self.lookup = lookups[0]
        self.newest = next(iter(self.data))


class Sealer:
    """Seals and opens with the keys of a file."""

    def __init__(self, path: Path) -> None:
        """Raises ValueError and OSError, as reading the file does."""
        self._path = path
        self._read()

    def seal(self, value: str, *, column: str, row: UUID | str) -> bytes:
        """`value` for one place: what is sealed for one column and row opens in no other."""
        key_id = self.newest
        nonce = secrets.token_bytes(NONCE_BYTES)
        place = _place(column, row)
        return key_id + nonce + AESGCM(self._keys.data[key_id]).encrypt(nonce, value.encode(), place)

    def open(self, sealed: bytes, *, column: str, row: UUID | str) -> str:
        """What was sealed for this place. Raises SealBroken."""
        key_id, nonce = sealed[:ID_BYTES], sealed[ID_BYTES : ID_BYTES + NONCE_BYTES]
        if key_id not in self._keys.data:
            self._read()
        key = self._keys.data.get(key_id)
        if key is None:
            raise SealBroken(f"{column}: sealed by key {key_id.hex()}, which is not in the key file")
        try:
            return AESGCM(key).decrypt(nonce, sealed[ID_BYTES + NONCE_BYTES :], _place(column, row)).decode()
        except (InvalidTag, ValueError) as error:
            raise SealBroken(f"{column}: not sealed for this row") from error

    @property
    def newest(self) -> bytes:
        """The id of the key that seals now: what it sealed begins with it."""
        if self._path.stat().st_mtime_ns != self._written:
            self._read()
        return self._keys.newest

    def _read(self) -> None:
        self._written = self._path.stat().st_mtime_ns
        self._keys = Keys(self._path.read_text())

    def look_up(self, value: str, *, column: str) -> bytes:
        """HMAC-SHA256, 32 bytes: what a row is found by. Without the key nobody can try all numbers."""
        return hmac.digest(self._keys.lookup, f"{column}\0{value}".encode(), "sha256")


@lru_cache(maxsize=4)
def read_sealer(path: str) -> Sealer:
    """The keys of `SEPAKAT_DATA_KEYS`. Raises SettingsError, saying what to do."""
    if not path:
        raise SettingsError(
            "SEPAKAT_DATA_KEYS is not set: `sepakat keys add-data FILE` makes one; beside `make run`: `. .local/environment`"
        )
    try:
        return Sealer(Path(path))
    except (OSError, ValueError) as error:
        raise SettingsError(f"SEPAKAT_DATA_KEYS: {path}: {error}") from error


def add_data_key(path: Path) -> str:
    """Puts a fresh data key first in the file, which is made if missing with a look-up key too. Returns the key's id.

    From now on it seals; what older keys sealed is opened as before. Raises ValueError, and leaves the file as it is,
    when it is not one of data keys.
    """
    key_id = secrets.token_hex(ID_BYTES)
    kept = path.read_text() if path.exists() else f"lookup {secrets.token_hex(ID_BYTES)} {_new_key()}\n"
    text = f"data {key_id} {_new_key()}\n{kept}"
    try:
        Keys(text)
    except ValueError as error:
        raise ValueError(f"{path} is no file of data keys: {error}") from error
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    new.replace(path)
    return key_id


def _new_key() -> str:
    return urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).rstrip(b"=").decode()


def _place(column: str, row: UUID | str) -> bytes:
    return f"{column}\0{row}".encode()
