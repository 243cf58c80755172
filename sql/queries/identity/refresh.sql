-- find: the key of a session that lives, and its lane; none when it ended, expired or lost its key
SELECT
    s.device_id,
    s.passkey_id,
    k.public_key,
    lane_of(s.participant_id) AS lane
FROM sessions AS s
INNER JOIN keys AS k ON s.participant_id = k.participant_id AND k.key_id = coalesce(s.device_id, s.passkey_id)
WHERE
    s.participant_id = $1 AND s.session_id = $2 AND s.ended_at IS NULL AND s.refresh_expires_at > $3
    AND k.removed_at IS NULL;

-- rotate: when the next refresh token expires; none when another one is the newest
UPDATE sessions
SET generation = generation + 1, refreshed_at = $4, refresh_expires_at = $5
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
