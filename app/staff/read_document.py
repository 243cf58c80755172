"""POST /staff/v1/documents/read: the bytes of a paper that a participant handed in about a case.

The bytes are fetched first and the look is logged last, in the transaction after whose commit they leave: nobody sees
them without an entry, and nobody is told of a look that showed nothing.
"""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from app.documents.document import storage_name
from app.platform.database import transaction
from app.platform.jobs import Doorbell
from app.platform.sql import statement
from app.platform.storage import Storage, StorageAwayError
from app.settings import Settings
from app.staff.file import Told, ring
from app.staff.member import Member
from app.staff.problems import DocumentAway, DocumentUnknown, PurposeUnfit
from app.staff.purpose import Purpose

READ = statement("staff/read_document")
SUFFIXES = {"image/jpeg": "jpg", "image/png": "png", "application/pdf": "pdf"}


class DocumentRead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    case_id: UUID
    document_id: UUID
    purpose: Purpose


class DocumentReadBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A top-level key of its own: no body of another route fits this one."""

    document_read: DocumentRead


class _KnownDocument(msgspec.Struct, frozen=True):
    told: list[Told]
    kind: str
    media_type: str
    bytes: int
    sha256: str


@post(
    "/staff/v1/documents/read",
    status_code=200,
    opt={
        "problems": (DocumentAway, DocumentUnknown, PurposeUnfit),
        "repeatable": True,
        "transaction": False,
    },
    tags=["staff"],
)
async def read_document(
    request: Request[Any, Any, Any],
    data: JSONBody[DocumentReadBody],
    settings: NamedDependency[Settings],
    member: NamedDependency[Member],
) -> Response[bytes]:
    """The file as it is kept, its hash compared, as an attachment that no browser opens by itself."""
    asked = data.document_read
    content = await _fetch(request.app.state.documents, asked.document_id)
    doorbell = Doorbell()
    async with transaction(request.app.state.pool, wait_s=settings.pool_wait_s) as connection:
        found = await connection.fetchval(READ, asked.case_id, asked.document_id, *member.row(), asked.purpose)
        if found is None:
            raise DocumentUnknown
        known = msgspec.convert(found, _KnownDocument)
        if content is None or hashlib.sha256(content).hexdigest() != known.sha256:
            raise DocumentAway(headers={"Retry-After": "5"})
        ring(doorbell, known.told)
    request.app.state.jobs.ring_soon(doorbell)
    return Response(content, media_type=known.media_type, headers=_headers(asked.document_id, known))


async def _fetch(store: Storage, document_id: UUID) -> bytes | None:
    try:
        return await store.get(storage_name(document_id))
    except StorageAwayError:
        return None


def _headers(document_id: UUID, known: _KnownDocument) -> dict[str, str]:
    name = f"{known.kind}-{str(document_id)[:8]}.{SUFFIXES.get(known.media_type, 'bin')}"
    return {
        "Content-Disposition": f'attachment; filename="{name}"',
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
