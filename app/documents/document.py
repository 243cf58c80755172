"""What is known of a stored document, and where its bytes lie. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

About = Literal["match", "merge"]
Kind = Literal["paklaring", "card", "ktp", "kk", "hr_letter", "other"]
TYPES = ("image/jpeg", "image/png", "application/pdf")
"""What an upload may call itself; what it is, its content says."""


class Document(msgspec.Struct, frozen=True):
    """`sha256` (hex), `bytes` and `media_type` are those of the file as it is kept: photos as JPEG, without metadata."""

    id: UUID
    kind: str
    media_type: str
    bytes: int
    sha256: str
    stored_at: datetime


class Documents(msgspec.Struct, frozen=True):
    documents: list[Document]
    next_cursor: str | None


def storage_name(document_id: UUID) -> str:
    """Its name in the store: opaque, spread over 256 folders."""
    return f"{document_id.hex[:2]}/{document_id.hex}"
