"""Looks at a stored confirmation again before anything is executed: seal, statement and signature."""

from __future__ import annotations

from uuid import UUID

import structlog

from app.merges.confirmation import is_genuine
from app.merges.load import Merge
from app.platform.database import Connection
from app.platform.sql import statement
from app.settings import Settings

log = structlog.get_logger()

CONFIRMATION = statement("merges/execute", "confirmation")


async def doubt_confirmation(
    connection: Connection, participant_id: UUID, merge: Merge, *, purpose: str, settings: Settings
) -> str | None:
    """None when the confirmation that the merge stands on was signed for this purpose, sealed by the API, and by a key that
    is there still; else the code of what is wrong: `confirmation_not_genuine`, `key_removed`.
    """
    row = await connection.fetchrow(CONFIRMATION, participant_id, merge.confirmation_id)
    if row is None or not is_genuine(
        secret=settings.secret,
        public_key=row["public_key"],
        purpose=purpose,
        merge_id=merge.merge_id,
        plan_digest=merge.plan_digest or "",
        acknowledged=row["acknowledged"],
        device_id=row["device_id"],
        passkey_id=row["passkey_id"],
        nonce=row["nonce"],
        statement=row["statement"],
        proof=row["proof"],
        stored_seal=row["seal"],
    ):
        log.error("confirmation_not_genuine", merge_id=str(merge.merge_id))
        return "confirmation_not_genuine"
    return "key_removed" if row["key_removed"] else None
