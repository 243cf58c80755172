"""Uploads that stopped half-way are forgotten, an hour later: first the bytes, then the row that knows of them."""

from __future__ import annotations

from app.documents.document import storage_name
from app.platform.database import Pool
from app.platform.sql import load
from app.platform.storage import Storage

SQL = load("documents/sweep")
BATCH = 500


async def sweep_documents(pool: Pool, storage: Storage) -> int:
    """How many were forgotten. Raises StorageAwayError: what is left then is tried again next time."""
    gone = 0
    while rows := await pool.fetch(SQL["orphans"], BATCH):
        for row in rows:
            await storage.delete(storage_name(row["document_id"]))
            await pool.execute(SQL["forget"], row["participant_id"], row["document_id"])
        gone += len(rows)
    return gone
