"""Papers are taken as new files without anything hidden in them; what is made to do harm is refused."""

from __future__ import annotations

import asyncio
import hashlib
import zipfile
from io import BytesIO
from typing import Any
from uuid import uuid4

import pikepdf
import pytest
from PIL import Image

from app.platform.storage import Storage
from tests.conftest import Apps
from tests.documents.conftest import WHERE_IT_WAS_TAKEN, Uploader, jpeg, make_uploader, pdf, png, png_bomb
from tests.people import Phone, add_person

LIMIT = 10 * 1024 * 1024


async def stored(storage: Storage, document_id: str) -> bytes:
    name = document_id.replace("-", "")
    content = await storage.get(f"{name[:2]}/{name}")
    assert content is not None
    return content


async def test_a_photo_is_kept_without_what_the_phone_wrote_into_it(uploader: Uploader, storage: Storage) -> None:
    body = jpeg(secret=True)
    assert WHERE_IT_WAS_TAKEN.encode() in body
    answer = await uploader.upload(body)
    assert answer.status_code == 201, answer.text
    shown = answer.json()
    kept = await stored(storage, shown["id"])
    assert (shown["media_type"], shown["bytes"], shown["kind"]) == ("image/jpeg", len(kept), "ktp")
    assert shown["sha256"] == hashlib.sha256(kept).hexdigest()
    assert WHERE_IT_WAS_TAKEN.encode() not in kept
    assert b"Exif" not in kept
    with Image.open(BytesIO(kept)) as image:
        assert dict(image.getexif()) == {}
        assert image.info.keys() <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "dpi"}
        assert image.size == (480, 640), "upright"
    assert await uploader.listed() == [shown]
    (entry, *_) = (await uploader.phone.get("/v1/inbox")).json()["entries"]
    assert (entry["kind"], entry["merge_id"]) == ("document_received", uploader.merge_id)


async def test_what_it_is_the_content_says(uploader: Uploader, storage: Storage) -> None:
    for body, content_type in ((png(), "application/pdf"), (jpeg(), "image/png"), (png(mode="P"), "image/jpeg")):
        answer = await uploader.upload(body, content_type)
        assert (answer.status_code, answer.json()["media_type"]) == (201, "image/jpeg"), answer.text
        with Image.open(BytesIO(await stored(storage, answer.json()["id"]))) as image:
            assert image.format == "JPEG"
    answer = await uploader.upload(pdf(), "image/jpeg")
    assert (answer.status_code, answer.json()["media_type"]) == (201, "application/pdf"), answer.text


async def test_large_photos_become_smaller(uploader: Uploader, storage: Storage) -> None:
    answer = await uploader.upload(jpeg((7000, 5000)))
    assert answer.status_code == 201, answer.text
    with Image.open(BytesIO(await stored(storage, answer.json()["id"]))) as image:
        assert max(image.size) == 3000


def _with_script(document: pikepdf.Pdf) -> None:
    action = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")
    document.Root.OpenAction = document.make_indirect(action)


def _with_script_in_page(document: pikepdf.Pdf) -> None:
    link = pikepdf.Dictionary(
        Type=pikepdf.Name.Annot,
        Subtype=pikepdf.Name.Link,
        Rect=[0, 0, 1, 1],
        A=pikepdf.Dictionary(S=pikepdf.Name.Launch, F="calc"),
    )
    document.pages[0].Annots = pikepdf.Array([link])


def _with_file(document: pikepdf.Pdf) -> None:
    document.attachments["x.exe"] = b"MZ"


def _with_form(document: pikepdf.Pdf) -> None:
    document.Root.AcroForm = pikepdf.Dictionary(XFA=pikepdf.Array([]), Fields=pikepdf.Array([]))


POLYGLOT = BytesIO()
with zipfile.ZipFile(POLYGLOT, "w") as archive:
    archive.writestr("x.html", "<script>alert(1)</script>")
TRUNCATED = jpeg((2000, 2000), quality=95)
TRUNCATED = TRUNCATED[: len(TRUNCATED) // 2]
LOCKED: dict[str, Any] = {"encryption": pikepdf.Encryption(owner="o", user="u")}
OPEN_BUT_LOCKED: dict[str, Any] = {"encryption": pikepdf.Encryption(owner="o", user="")}

REFUSED = {
    "empty": (b"", 415, "document_type_unsupported"),
    "text": (b"<html><script>alert(1)</script></html>", 415, "document_type_unsupported"),
    "GIF": (b"GIF89a" + bytes(100), 415, "document_type_unsupported"),
    "SVG": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', 415, "document_type_unsupported"),
    "TIFF": (b"II*\0" + bytes(100), 415, "document_type_unsupported"),
    "a PDF behind a byte": (b"\n" + pdf(), 415, "document_type_unsupported"),
    "JPEG signature only": (b"\xff\xd8\xff\xe0", 422, "damaged"),
    "PNG signature only": (b"\x89PNG\r\n\x1a\n", 422, "damaged"),
    "PDF signature only": (b"%PDF-1.7\n", 422, "damaged"),
    "truncated photo": (TRUNCATED, 422, "damaged"),
    "truncated PDF": (pdf()[:-40], 422, "damaged"),
    "a GIF that says JPEG": (b"\xff\xd8\xffGIF89a" + bytes(200), 422, "damaged"),
    "bomb": (png_bomb(30_000, 30_000), 422, "too_many_pixels"),
    "wide bomb": (png_bomb(2_000_000_000, 1), 422, "too_many_pixels"),
    "locked PDF": (pdf(**LOCKED), 422, "encrypted"),
    "PDF locked for its owner": (pdf(**OPEN_BUT_LOCKED), 422, "encrypted"),
    "PDF with a script": (pdf(_with_script), 422, "active_content"),
    "PDF that starts programs": (pdf(_with_script_in_page), 422, "active_content"),
    "PDF with a file": (pdf(_with_file), 422, "active_content"),
    "PDF with XFA": (pdf(_with_form), 422, "active_content"),
    "PDF of 51 pages": (pdf(pages=51), 422, "too_many_pages"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_made_to_do_harm_is_refused(uploader: Uploader, name: str) -> None:
    body, status, why = REFUSED[name]
    answer = await uploader.upload(body)
    assert answer.status_code == status, answer.text
    assert why in (answer.json()["code"], answer.json().get("reason"))
    assert await uploader.listed() == []


async def test_a_file_that_is_two_files_is_one_afterwards(uploader: Uploader, storage: Storage) -> None:
    for body in (jpeg() + POLYGLOT.getvalue(), png() + POLYGLOT.getvalue(), pdf() + b"\n" + POLYGLOT.getvalue()):
        answer = await uploader.upload(body)
        if answer.status_code == 201:
            kept = await stored(storage, answer.json()["id"])
            assert b"PK\x03\x04" not in kept
            assert b"script" not in kept
            assert not zipfile.is_zipfile(BytesIO(kept))
        else:
            assert answer.json()["reason"] == "damaged"


async def test_photos_in_a_pdf_lose_what_the_phone_wrote_into_them(uploader: Uploader, storage: Storage) -> None:
    def add_photo(document: pikepdf.Pdf) -> None:
        photo = document.make_stream(jpeg(secret=True))
        photo.Type, photo.Subtype = pikepdf.Name.XObject, pikepdf.Name.Image
        photo.Width, photo.Height, photo.BitsPerComponent = 640, 480, 8
        photo.ColorSpace, photo.Filter = pikepdf.Name.DeviceRGB, pikepdf.Name.DCTDecode
        document.pages[0].Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im0=photo))
        document.docinfo["/Author"] = WHERE_IT_WAS_TAKEN

    body = pdf(add_photo)
    assert WHERE_IT_WAS_TAKEN.encode() in body
    answer = await uploader.upload(body, "application/pdf")
    assert answer.status_code == 201, answer.text
    kept = await stored(storage, answer.json()["id"])
    assert WHERE_IT_WAS_TAKEN.encode() not in kept
    with pikepdf.open(BytesIO(kept)) as document:
        photo = document.pages[0].Resources.XObject.Im0
        with Image.open(BytesIO(photo.read_raw_bytes())) as image:
            assert image.size == (640, 480)
            assert image.tobytes() == Image.open(BytesIO(jpeg())).tobytes()


@pytest.mark.parametrize(("over", "status"), [(0, 201), (1, 413)])
async def test_ten_mebibytes_and_no_more(uploader: Uploader, over: int, status: int) -> None:
    body = jpeg()
    answer = await uploader.upload(body + bytes(LIMIT - len(body) + over))
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize(
    ("content_type", "code"),
    [
        ("application/json", "content_type_unsupported"),
        ("multipart/form-data; boundary=x", "content_type_unsupported"),
        ("text/html", "content_type_unsupported"),
        ("image/svg+xml", "content_type_unsupported"),
    ],
)
async def test_other_content_types_are_named(uploader: Uploader, content_type: str, code: str) -> None:
    answer = await uploader.upload(jpeg(), content_type)
    assert (answer.status_code, answer.json()["code"]) == (415, code)
    assert "image/jpeg" in answer.json()["detail"]


async def test_a_kind_is_needed_and_a_known_one(uploader: Uploader) -> None:
    for kind in (None, "passport", ""):
        assert (await uploader.upload(jpeg(), kind=kind)).status_code == 400
    for kind in ("paklaring", "card", "ktp", "kk", "hr_letter", "other"):
        assert (await uploader.upload(jpeg(), kind=kind)).status_code == 201


async def test_the_same_again_is_one_document(uploader: Uploader) -> None:
    answers = await asyncio.gather(*(uploader.upload(jpeg(), key="again") for _ in range(3)))
    answers.append(await uploader.upload(jpeg(), key="again"))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert len(await uploader.listed()) == 1
    for other in (uploader.upload(png(), key="again"), uploader.upload(jpeg(), key="again", kind="kk")):
        answer = await other
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    missing = await uploader.phone.request(
        "POST", uploader.path + "?kind=ktp", content=jpeg(), headers={"content-type": "image/jpeg"}
    )
    assert missing.json()["code"] == "idempotency_key_missing"


async def test_twenty_are_enough(uploader: Uploader, apps: Apps) -> None:
    connection = await apps.database.connect()
    await connection.execute(
        """INSERT INTO documents (participant_id, document_id, about, subject_id, kind, request_key, body_sha256)
        SELECT $1, gen_random_uuid(), 'merge', $2, 'other', n::text, sha256('x') FROM generate_series(1, 20) AS n""",
        uploader.person.participant_id,
        uploader.merge_id,
    )
    await connection.close()
    answer = await uploader.upload(jpeg())
    assert (answer.status_code, answer.json()["code"]) == (422, "documents_too_many")


async def test_strangers_and_the_signed_out_are_refused(uploader: Uploader, apps: Apps) -> None:
    stranger = Uploader(
        uploader.person, await Phone(apps.api).enrol(await add_person(apps.database)), uploader.merge_id
    )
    unknown = Uploader(uploader.person, stranger.phone, str(uuid4()))
    answers = [(await one.upload(jpeg())).json() | {"instance": ""} for one in (stranger, unknown)]
    assert answers[0] == answers[1]
    assert (answers[0]["status"], answers[0]["code"]) == (404, "merge_unknown")
    assert (await stranger.phone.get(uploader.path)).json()["code"] == "merge_unknown"
    nobody = Uploader(uploader.person, Phone(apps.api), uploader.merge_id)
    assert (await nobody.upload(jpeg())).json()["code"] == "not_signed_in"


async def test_two_people_with_one_key_have_two_documents(uploader: Uploader, apps: Apps) -> None:
    other = await make_uploader(apps)
    ids = {(await one.upload(jpeg(), key="same")).json()["id"] for one in (uploader, other)}
    assert len(ids) == 2
