"""Forgets uploads that never ended."""

from __future__ import annotations

import structlog

from app.documents import sweep
from app.platform.database import Pool
from app.platform.storage import Storage

log = structlog.get_logger()


async def sweep_documents(pool: Pool, storage: Storage) -> None:
    """Runs once an hour."""
    log.info("documents_swept", documents=await sweep.sweep_documents(pool, storage))
