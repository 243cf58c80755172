-- find: the key of a session that lives, and its lane; none when it ended, expired or lost its key. From here on the
-- transaction is this participant's
SELECT
    device_id,
    passkey_id,
    public_key,
    lane
FROM enter_refresh($1, $2);

-- rotate: when the next refresh token expires, $6 after the session's beginning at the latest; none when another one is the
-- newest
UPDATE sessions
SET generation = generation + 1, refreshed_at = $4, refresh_expires_at = least($5, started_at + $6::interval)
WHERE participant_id = $1 AND session_id = $2 AND generation = $3 AND ended_at IS NULL
RETURNING refresh_expires_at;

-- just_before: when the newest refresh token expires, if it is the direct successor of this one
SELECT refresh_expires_at
FROM sessions
WHERE participant_id = $1 AND session_id = $2 AND generation = $3 + 1 AND ended_at IS NULL;

-- record_cause: cause_id
SELECT record_cause($1, 'system', 'sign-in', 'an old refresh token was used again');

-- end: the session, if it had not ended
UPDATE sessions
SET ended_at = $3, ended_because = 'reuse'
WHERE participant_id = $1 AND session_id = $2 AND ended_at IS NULL
RETURNING session_id;

-- add_note: nothing
SELECT add_note($1, $2, 'session_ended_for_reuse', $3);
