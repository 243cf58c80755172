"""What a merge's state allows. Pure."""

from __future__ import annotations

from datetime import datetime

from app.merges.load import Merge
from app.merges.problems import (
    MergeAlreadyAccepted,
    MergeAlreadyConfirmed,
    MergeAlreadyExecuted,
    MergeClosed,
    MergeExpired,
    MergeNotReported,
    MergeSuperseded,
)
from app.merges.undo_problems import MergeNotExecuted


def refuse_unless_proposed(merge: Merge, now: datetime) -> None:
    """Raises what tells best why this is not an open proposal any more."""
    if merge.state == "confirmed":
        raise MergeAlreadyConfirmed(merge_id=merge.merge_id, executes_at=merge.executes_at)
    if merge.state == "proposed" and merge.expires_at and merge.expires_at <= now:
        raise MergeExpired
    if merge.state != "proposed":
        refuse_closed(merge)


def refuse_closed(merge: Merge) -> None:
    """Raises for a merge that is over, or that was never a proposal."""
    if merge.state == "expired":
        raise MergeExpired
    if merge.state == "executed":
        raise MergeAlreadyExecuted(merge_id=merge.merge_id, executed_at=merge.executed_at)
    if merge.superseded_by is not None:
        raise MergeSuperseded(merge_id=merge.superseded_by)
    raise MergeClosed(state=merge.state)


def refuse_unless_executed(merge: Merge) -> None:
    """Raises when there is nothing of this merge to take back."""
    if merge.state in ("proposed", "confirmed", "reported", "disputed"):
        raise MergeNotExecuted(state=merge.state)
    if merge.superseded_by is not None:
        raise MergeSuperseded(merge_id=merge.superseded_by)
    if merge.state != "executed":
        raise MergeClosed(state=merge.state)


def refuse_unless_reported(merge: Merge) -> None:
    """Raises when this is not, or no longer, a merge that the core did without consent."""
    if merge.state == "accepted":
        raise MergeAlreadyAccepted(merge_id=merge.merge_id, executed_at=merge.executed_at)
    if merge.state not in ("reported", "disputed"):
        raise MergeNotReported(state=merge.state)
