"""Papers for a possible match or a merge, uploaded from the phone.

No transaction is open while a file is taken apart or stored. First a row says that a document is coming, then the bytes
are stored, then the row says that they are there. What stops in between is taken up again by the same Idempotency-Key, or
swept away an hour later.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import msgspec
from litestar import Request, post
from litestar.params import FromPath, QueryParameter

from app.documents.clean import Clean, clean
from app.documents.document import TYPES, About, Document, Kind, storage_name
from app.documents.problems import DocumentsTooMany, DocumentTypeUnsupported, DocumentUnreadable
from app.documents.show import find_document
from app.documents.take_apart import LIMIT_BYTES
from app.identity.problems import NotSignedIn, TokenExpired
from app.identity.session import SignedIn
from app.matches.problems import MatchUnknown
from app.merges.problems import MergeUnknown
from app.platform.database import Connection, new_id, transaction
from app.platform.jobs import Doorbell
from app.platform.problems import Busy
from app.platform.sql import load
from app.platform.storage import Storage, StorageAwayError
from app.platform.transaction import IdempotencyKeyReused, idempotency_key

SQL = load("documents/receive")
MOST = 20
OF_UPLOADS = (DocumentTypeUnsupported, DocumentUnreadable, DocumentsTooMany, NotSignedIn, TokenExpired)
OPTIONS = {"transaction": False, "signed_in": True, "body_limit": LIMIT_BYTES, "body_types": TYPES}


class _Upload(msgspec.Struct, frozen=True):
    """What came, and what it is about."""

    about: About
    subject_id: UUID
    kind: Kind
    key: str
    body: bytes

    @property
    def body_sha256(self) -> bytes:
        return hashlib.sha256(self.body).digest()


@post(
    "/v1/possible-matches/{match_id:uuid}/documents",
    status_code=201,
    opt=OPTIONS | {"problems": (*OF_UPLOADS, MatchUnknown)},
    tags=["cards"],
)
async def receive_for_match(
    match_id: FromPath[UUID], request: Request[Any, Any, Any], kind: Annotated[Kind, QueryParameter()]
) -> Document:
    """Evidence that a card is mine: a JPEG, PNG or PDF of at most 10 MiB as the body."""
    return await _receive(request, "match", match_id, kind)


@post(
    "/v1/merges/{merge_id:uuid}/documents",
    status_code=201,
    opt=OPTIONS | {"problems": (*OF_UPLOADS, MergeUnknown)},
    tags=["merges"],
)
async def receive_for_merge(
    merge_id: FromPath[UUID], request: Request[Any, Any, Any], kind: Annotated[Kind, QueryParameter()]
) -> Document:
    """Evidence about a merge: a JPEG, PNG or PDF of at most 10 MiB as the body."""
    return await _receive(request, "merge", merge_id, kind)


async def _receive(request: Request[Any, Any, Any], about: About, subject_id: UUID, kind: Kind) -> Document:
    upload = _Upload(about, subject_id, kind, idempotency_key(request.scope), request.scope["state"]["body"])
    state = request.app.state
    wait_s: float = state.settings.pool_wait_s
    async with transaction(state.pool, wait_s=wait_s) as connection:
        await state.identify(connection, request.scope)
        who: SignedIn = request.scope["user"]
        known = await _find(connection, who, upload)
    if known is None or not known["stored"]:
        cleaned = await clean(upload.body)
        async with transaction(state.pool, wait_s=wait_s) as connection:
            await state.identify(connection, request.scope)
            document_id = await _begin(connection, who, upload)
        await _store(state.documents, document_id, cleaned)
        async with transaction(state.pool, wait_s=wait_s) as connection:
            await state.identify(connection, request.scope)
            await _keep(connection, who, document_id, cleaned)
        doorbell = Doorbell()
        doorbell.ring(who.participant_id, who.lane)
        state.jobs.ring_soon(doorbell)
    else:
        document_id = known["document_id"]
    async with transaction(state.pool, wait_s=wait_s) as connection:
        await state.identify(connection, request.scope)
        return await find_document(connection, who.participant_id, about, subject_id, document_id)


async def _find(connection: Connection, who: SignedIn, upload: _Upload) -> asyncpg.Record | None:
    """The same upload, if it came before. Raises MatchUnknown, MergeUnknown, IdempotencyKeyReused, DocumentsTooMany."""
    if not await connection.fetchval(SQL[f"has_{upload.about}"], who.participant_id, upload.subject_id):
        raise MatchUnknown if upload.about == "match" else MergeUnknown
    known = await connection.fetchrow(SQL["find"], who.participant_id, upload.about, upload.subject_id, upload.key)
    if known is None:
        if await connection.fetchval(SQL["count"], who.participant_id, upload.about, upload.subject_id) >= MOST:
            raise DocumentsTooMany(limit=MOST)
        return None
    if known["body_sha256"] != upload.body_sha256 or known["kind"] != upload.kind:
        raise IdempotencyKeyReused
    if known["discarded"]:
        raise Busy  # it is being swept away this moment
    return known


async def _begin(connection: Connection, who: SignedIn, upload: _Upload) -> UUID:
    """The id under which the bytes will lie. Two that come at once with one key get one."""
    await connection.execute(SQL["lock"], who.participant_id)
    known = await _find(connection, who, upload)
    if known is not None:
        found: UUID = known["document_id"]
        return found
    document_id = new_id()
    about = (upload.about, upload.subject_id, upload.kind)
    await connection.execute(SQL["begin"], who.participant_id, document_id, *about, upload.key, upload.body_sha256)
    return document_id


async def _store(storage: Storage, document_id: UUID, cleaned: Clean) -> None:
    try:
        await storage.put(storage_name(document_id), cleaned.content)
    except StorageAwayError:
        raise Busy from None


async def _keep(connection: Connection, who: SignedIn, document_id: UUID, cleaned: Clean) -> None:
    sha256 = hashlib.sha256(cleaned.content).digest()
    about = (cleaned.media_type, sha256, len(cleaned.content), str(who.key_id))
    await connection.execute(SQL["keep"], who.participant_id, document_id, *about)
