-- live: the key, language and lane behind a session that has not ended and whose key was not removed, and what time it is
SELECT
    s.device_id,
    s.passkey_id,
    p.locale,
    lane_of(s.participant_id) AS lane,
    current_instant() AS now
FROM sessions AS s
INNER JOIN participants AS p ON s.participant_id = p.participant_id
LEFT JOIN devices AS d ON s.participant_id = d.participant_id AND s.device_id = d.device_id
LEFT JOIN passkeys AS k ON s.participant_id = k.participant_id AND s.passkey_id = k.passkey_id
WHERE
    s.participant_id = $1 AND s.session_id = $2 AND s.ended_at IS NULL
    AND d.removed_at IS NULL AND k.removed_at IS NULL;
