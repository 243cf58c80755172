"""The core tells that it carried out a merge that it was handed: executed here if it is the very plan that was confirmed."""

from __future__ import annotations

import asyncpg
import msgspec
import structlog

from app.feed.event import CardMerged
from app.feed.turn import Owner, Turn, record_cause
from app.platform.sql import load

log = structlog.get_logger()

SQL = load("feed/apply_due")


async def execute_due(turn: Turn, owner: Owner, data: CardMerged, absorbed: list[str]) -> bool:
    """False when no merge of these cards was handed to the core, or when it did another thing than was confirmed.

    The database compares cards, survivor, day and balances with the confirmed plan, and the plan with the cards as they are.
    Raises asyncpg.CheckViolationError under the name merges_are_paused.
    """
    card_ids = [owner.card_ids[kpj] for kpj in absorbed]
    merge_id = await turn.connection.fetchval(SQL["find_due"], owner.participant_id, card_ids)
    if merge_id is None:
        return False
    reported = msgspec.to_builtins(data) | {"absorbed": absorbed}
    try:
        async with turn.connection.transaction():
            cause_id = await record_cause(turn, owner.participant_id, merge_id=merge_id)
            await turn.connection.execute(SQL["execute"], owner.participant_id, merge_id, reported, cause_id)
    except asyncpg.CheckViolationError as error:
        if error.constraint_name == "merges_are_paused":
            raise
        log.warning("core_merged_otherwise", merge_id=str(merge_id), because=error.constraint_name)
        return False
    return True
