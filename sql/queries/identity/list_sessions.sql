-- living: sessions that have not ended, newest first, from the one after the cursor on
SELECT
    s.session_id,
    s.device_id,
    d.name AS device_name,
    d.platform,
    s.started_at,
    s.refreshed_at,
    s.session_id = $2 AS current
FROM sessions AS s
INNER JOIN devices AS d ON s.participant_id = d.participant_id AND s.device_id = d.device_id
WHERE
    s.participant_id = $1 AND s.ended_at IS NULL AND s.refresh_expires_at > $3 AND d.removed_at IS NULL
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
