"""Somebody with a merge, and files: honest ones, and ones that are made to do harm."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from io import BytesIO
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pikepdf
import pytest
import pytest_asyncio
from PIL import Image

from app.platform.storage import Storage
from tests.conftest import Apps
from tests.people import NewCard, Person, Phone, add_person

WHERE_IT_WAS_TAKEN = "Jalan Rahasia 17, Bekasi"


class Uploader(msgspec.Struct, frozen=True):
    person: Person
    phone: Phone
    merge_id: str

    @property
    def path(self) -> str:
        return f"/v1/merges/{self.merge_id}/documents"

    async def upload(
        self, body: bytes, content_type: str = "image/jpeg", *, kind: str | None = "ktp", key: str | None = None
    ) -> httpx.Response:
        query = f"?kind={kind}" if kind else ""
        headers = {"content-type": content_type, "idempotency-key": key or uuid4().hex}
        return await self.phone.request("POST", self.path + query, content=body, headers=headers)

    async def listed(self) -> list[dict[str, Any]]:
        answer = await self.phone.get(self.path)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["documents"]
        return found


async def make_uploader(apps: Apps) -> Uploader:
    person = await add_person(apps.database, NewCard(balance=5), NewCard(status="active"))
    phone = await Phone(apps.api).enrol(person)
    merge = await phone.post("/v1/merges", {"absorb": [person.kpjs[0]], "into": person.kpjs[1]})
    return Uploader(person, phone, merge.json()["id"])


@pytest_asyncio.fixture
async def uploader(apps: Apps) -> Uploader:
    return await make_uploader(apps)


@pytest.fixture
def storage(apps: Apps) -> Storage:
    """The store that the API writes to."""
    return Storage(str(apps.database.postgres.data.parent / "documents"))


def jpeg(size: tuple[int, int] = (640, 480), *, secret: bool = False, **options: Any) -> bytes:
    """A photo; with `secret`, what a phone writes into it: where it was taken, and a comment."""
    image = Image.new("RGB", size, "navy")
    if secret:
        exif = Image.Exif()
        exif[0x010E] = WHERE_IT_WAS_TAKEN
        exif[0x0112] = 6  # lies on its side
        exif.get_ifd(0x8825)[2] = (6.0, 14.0, 30.0)  # GPS latitude
        options |= {"exif": exif, "comment": WHERE_IT_WAS_TAKEN.encode()}
    written = BytesIO()
    image.save(written, "JPEG", **options)
    return written.getvalue()


def png(size: tuple[int, int] = (64, 64), mode: str = "RGBA") -> bytes:
    written = BytesIO()
    Image.new(mode, size).save(written, "PNG")
    return written.getvalue()


def png_bomb(width: int, height: int) -> bytes:
    """A few kilobytes that unpack to `width` × `height` pixels."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return len(content).to_bytes(4) + name + content + zlib.crc32(name + content).to_bytes(4)

    packer = zlib.compressobj(9)
    row = bytes(1 + width // 8)
    packed = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = width.to_bytes(4) + height.to_bytes(4) + bytes((1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def pdf(change: Callable[[pikepdf.Pdf], object] | None = None, *, pages: int = 1, **options: Any) -> bytes:
    """A PDF with empty pages, changed before it is written."""
    document = pikepdf.new()
    for _ in range(pages):
        document.add_blank_page(page_size=(200, 300))
    if change:
        change(document)
    written = BytesIO()
    document.save(written, **options)
    return written.getvalue()
