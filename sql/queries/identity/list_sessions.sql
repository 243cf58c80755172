-- living: sessions that have not ended, newest first, from the one after the cursor on
SELECT
    s.session_id,
    s.device_id,
    s.passkey_id,
    k.name AS device_name,
    k.platform,
    s.started_at,
    s.refreshed_at,
    s.session_id = $2 AS current
FROM sessions AS s
INNER JOIN keys AS k ON s.participant_id = k.participant_id AND k.key_id = coalesce(s.device_id, s.passkey_id)
WHERE
    s.participant_id = $1 AND s.ended_at IS NULL AND s.refresh_expires_at > $3 AND k.removed_at IS NULL
    AND (
        $4::uuid IS NULL
        OR (s.started_at, s.session_id) < (
            SELECT
                c.started_at,
                c.session_id
            FROM sessions AS c
            WHERE c.participant_id = $1 AND c.session_id = $4
        )
    )
ORDER BY s.started_at DESC, s.session_id DESC
LIMIT $5;
