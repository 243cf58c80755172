"""Staff at a branch saw a person, or after a death an heir, and handed out a code."""

from __future__ import annotations

from app.feed.apply_participant import find_participant
from app.feed.event import BranchCodeIssued
from app.feed.turn import Applied, Turn, record_cause
from app.platform.database import new_id
from app.platform.sql import statement

ISSUE = statement("feed/apply_branch")


async def issue_branch_code(turn: Turn, data: BranchCodeIssued) -> Applied:
    """A live code for this person; the one before is replaced. It is good once, for at most 7 days.

    Raises Rejected: `participant_unknown`, `stream_foreign`, and by the constraint's name `branch_code_life`,
    `branch_code_known`.
    """
    row = await find_participant(turn, data.nik)
    cause_id = await record_cause(turn, row["participant_id"], origin="agency", reason=data.branch)
    code = (new_id(), bytes.fromhex(data.code_sha256), data.branch, data.staff, data.expires_at)
    await turn.connection.execute(ISSUE, row["participant_id"], *code, cause_id)
    return Applied(row["participant_id"], row["lane"])
