"""A key's name is what its owner tells their keys apart by: a key on hold names itself and no other."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from app.identity.problems import HoldInForce
from app.identity.session import SignedIn
from app.platform.database import Connection
from app.platform.sql import statement

HOLD = statement("identity/name_key")


async def check_naming(connection: Connection, who: SignedIn, key_id: UUID, now: datetime) -> None:
    """Raises HoldInForce when the key that asks is on hold and another one's name is to change."""
    if key_id == who.key_id:
        return
    hold_until = await connection.fetchval(HOLD, who.participant_id, who.key_id, now)
    if hold_until is not None:
        raise HoldInForce(until=hold_until)
