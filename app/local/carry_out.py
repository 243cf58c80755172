"""`sepakat core carry-out`: the core executes what was agreed here, where SEPAKAT_MERGE_EXECUTION is `core`, and reports it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rich.console import Console

from app.local.core import Core, event
from app.platform.clock import jakarta_day


def report_carried_out(merge: dict[str, Any]) -> dict[str, Any]:
    """The event about a merge that `merges/search` found waiting: just what was confirmed, on the day that it was handed over."""
    handed_over_on = jakarta_day(datetime.fromisoformat(merge["waits_for_core_since"]))
    data = {"absorbed": merge["absorb"], "into": merge["into"], "balances": merge["balances"]}
    return event("card.merged", data | {"merged_on": handed_over_on.isoformat()})


async def carry_out(core: Core, merge_ids: list[str], console: Console) -> int:
    """These merges, or all that wait when none is named. 1 when one of them does not wait for the core, or was not executed."""
    found = await core.ask("/feed/v1/merges/search", {"merge_search": {"state": "confirmed", "core": "pending"}})
    waiting = {merge["id"]: merge for merge in found["merges"]}
    executed = True
    for merge_id in merge_ids or waiting:
        if merge_id not in waiting:
            console.print(f"  {merge_id} does not wait for the core: what is not agreed to and due, it does not merge")
            executed = False
            continue
        (result,) = await core.send(report_carried_out(waiting[merge_id]))
        console.print(f"  {merge_id} {result['outcome']} {result['code'] or ''} {result['detail'] or ''}".rstrip())
        executed = executed and result["code"] == "merge_executed"
    if not merge_ids and not waiting:
        console.print("  nothing waits for the core; SEPAKAT_MERGE_EXECUTION=core make run has it carry merges out")
    return 0 if executed else 1
