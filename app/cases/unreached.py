"""People whom neither phone, mail nor SMS has reached: a case for staff, which ends when they have read it after all."""

from __future__ import annotations

from app.platform.database import Pool
from app.platform.jobs import Doorbell
from app.platform.sql import statement

KEEP = statement("cases/unreached")
AT_ONCE = 100


async def keep_unreached(pool: Pool) -> Doorbell:
    """Opens and ends such cases, in transactions of some hundred. Returns whom to ring for."""
    doorbell = Doorbell()
    while told := await pool.fetch(KEEP, AT_ONCE):
        for row in told:
            doorbell.ring(row["participant_id"], row["lane"])
    return doorbell
