"""What I uploaded about a merge or a possible match: what is known of it, not the papers themselves."""

from __future__ import annotations

from uuid import UUID

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath

from app.documents.document import About, Document, Documents
from app.identity.session import SignedIn
from app.matches.problems import MatchUnknown
from app.matches.show import read_match
from app.merges.load import read_merge
from app.merges.problems import MergeUnknown
from app.platform.database import Connection
from app.platform.sql import statement

SHOW = statement("documents/show")


@get("/v1/merges/{merge_id:uuid}/documents", opt={"problems": (MergeUnknown,)}, tags=["merges"])
async def list_for_merge(
    merge_id: FromPath[UUID], connection: NamedDependency[Connection], who: NamedDependency[SignedIn]
) -> Documents:
    """My documents about one of my merges, newest first."""
    await read_merge(connection, who.participant_id, merge_id)
    return await _list(connection, who.participant_id, "merge", merge_id)


@get("/v1/possible-matches/{match_id:uuid}/documents", opt={"problems": (MatchUnknown,)}, tags=["cards"])
async def list_for_match(
    match_id: FromPath[UUID], connection: NamedDependency[Connection], who: NamedDependency[SignedIn]
) -> Documents:
    """My documents about a card that may be mine, newest first."""
    await read_match(connection, who.participant_id, match_id)
    return await _list(connection, who.participant_id, "match", match_id)


async def find_document(
    connection: Connection, participant_id: UUID, about: About, subject_id: UUID, document_id: UUID
) -> Document:
    """One stored document. Raises LookupError."""
    row = await connection.fetchrow(SHOW, participant_id, about, subject_id, document_id)
    if row is None:
        raise LookupError(document_id)
    return msgspec.convert(dict(row), Document)


async def _list(connection: Connection, participant_id: UUID, about: About, subject_id: UUID) -> Documents:
    # One page: there are never more than twenty.
    rows = await connection.fetch(SHOW, participant_id, about, subject_id, None)
    return Documents(documents=[msgspec.convert(dict(row), Document) for row in rows], next_cursor=None)
