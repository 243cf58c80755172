"""Where documents lie: a local folder, or anything that speaks S3. The only file that imports obstore."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, ObjectStore, S3Store

TIMEOUT = timedelta(seconds=20)
RETRIES = 2


class StorageAwayError(Exception):
    """The store did not take, give or delete something. Nothing is known of what became of it: try again."""


class Storage:
    """`place` is a folder (made when first written to) or `s3://bucket/prefix`.

    For S3 the credentials, the region and another endpoint come from the usual AWS_ variables of the environment.
    """

    def __init__(self, place: str) -> None:
        self.place = place
        self._opened: ObjectStore | None = None

    async def put(self, name: str, content: bytes) -> None:
        """Writes it whole or not at all, over what was there. Raises StorageAwayError."""
        try:
            await obstore.put_async(self._store(), name, content)
        except (BaseError, OSError) as error:
            raise StorageAwayError(type(error).__name__) from error

    async def get(self, name: str) -> bytes | None:
        """None when there is nothing of this name. Raises StorageAwayError."""
        try:
            found = await obstore.get_async(self._store(), name)
            return bytes(await found.bytes_async())
        except (NotFoundError, FileNotFoundError):
            return None
        except (BaseError, OSError) as error:
            raise StorageAwayError(type(error).__name__) from error

    async def delete(self, name: str) -> None:
        """Nothing happens when there is nothing of this name. Raises StorageAwayError."""
        try:
            await obstore.delete_async(self._store(), name)
        except (NotFoundError, FileNotFoundError):
            return
        except (BaseError, OSError) as error:
            raise StorageAwayError(type(error).__name__) from error

    def _store(self) -> ObjectStore:
        if self._opened is None:
            if self.place.startswith("s3://"):
                plain = os.environ.get("AWS_ALLOW_HTTP", "").lower() == "true"
                self._opened = S3Store.from_url(
                    self.place,
                    client_options={"timeout": TIMEOUT, "allow_http": plain},
                    retry_config={"max_retries": RETRIES},
                )
            else:
                folder = Path(self.place.removeprefix("file://"))
                # papers of people: for this user alone
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._opened = LocalStore(folder.resolve())
        return self._opened
