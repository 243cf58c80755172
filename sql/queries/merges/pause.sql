-- paused: since when and why nothing is executed; nothing when merges go on
SELECT
    since,
    reason
FROM merge_pause;

-- hold_executions: nothing; waits for those under way, and holds up new ones until the transaction ends
LOCK TABLE merge_pause IN ACCESS EXCLUSIVE MODE;

-- pause: since when all executions are paused; a pause that is there keeps its beginning and gets the new reason
INSERT INTO merge_pause (since, reason)
VALUES (current_instant(), $1)
ON CONFLICT (only_row) DO UPDATE SET reason = excluded.reason, paused_by = session_user
RETURNING since;

-- resume: since when it had been paused; nothing when it was not
DELETE FROM merge_pause
RETURNING since;
