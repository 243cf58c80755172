"""The store: a folder, or what speaks S3; it gives back what was put, or says that it is away."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from app.platform.storage import Storage, StorageAwayError


class Bucket(ThreadingHTTPServer):
    """As much of S3 as a store needs: objects by path, every request signed."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.objects: dict[str, bytes] = {}
        self.seen: list[str] = []
        self.away = False


class _Request(BaseHTTPRequestHandler):
    server: Bucket

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self._may():
            self.server.objects[self.path] = body
            self._answer(200, b"", {"etag": '"1"'})

    def do_GET(self) -> None:
        if self._may():
            content = self.server.objects.get(self.path)
            found = {"etag": '"1"', "last-modified": "Mon, 23 Nov 2026 03:00:00 GMT"}
            self._answer(404 if content is None else 200, content or b"", found)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        if self._may():
            assert "delete" in self.path
            keys = re.findall("<Key>(.*?)</Key>", body)
            for key in keys:
                self.server.objects.pop(f"{self.path.split('?')[0]}/{key}", None)
            gone = "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in keys)
            self._answer(200, f"<DeleteResult>{gone}</DeleteResult>".encode(), {"content-type": "application/xml"})

    def _may(self) -> bool:
        self.server.seen.append(self.headers.get("authorization", ""))
        if self.server.away or not self.server.seen[-1].startswith("AWS4-HMAC-SHA256 Credential=key/"):
            self._answer(503 if self.server.away else 403, b"", {})
            return False
        return True

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in (headers | {"content-length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    server = Bucket()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    for name, value in {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "ap-southeast-3",
        "AWS_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
        "AWS_ALLOW_HTTP": "true",
    }.items():
        monkeypatch.setenv(name, value)
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


async def give_and_take(storage: Storage) -> None:
    await storage.put("ab/1", b"one")
    await storage.put("ab/1", b"two")
    assert await storage.get("ab/1") == b"two"
    assert await storage.get("ab/2") is None
    await storage.delete("ab/1")
    await storage.delete("ab/1")
    assert await storage.get("ab/1") is None


async def test_a_folder_is_made_and_is_nobody_elses(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "documents"
    await give_and_take(Storage(str(folder)))
    assert folder.stat().st_mode & 0o077 == 0


async def test_what_speaks_s3_does_as_well(bucket: Bucket) -> None:
    storage = Storage("s3://papers/sepakat")
    await give_and_take(storage)
    await storage.put("ab/1", b"kept")
    assert bucket.objects == {"/papers/sepakat/ab/1": b"kept"}


async def test_a_store_that_is_away_says_so(bucket: Bucket, tmp_path: Path) -> None:
    bucket.away = True
    (tmp_path / "file").write_bytes(b"")
    for storage in (Storage("s3://papers/sepakat"), Storage(str(tmp_path / "file"))):
        for act in (storage.put("x", b""), storage.get("x"), storage.delete("x")):
            with pytest.raises(StorageAwayError):
                await act
