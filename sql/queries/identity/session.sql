-- live: the phone, language and lane behind a session that has not ended and whose device was not removed, and what
-- time it is
SELECT
    s.device_id,
    p.locale,
    lane_of(s.participant_id) AS lane,
    current_instant() AS now
FROM sessions AS s
INNER JOIN participants AS p ON s.participant_id = p.participant_id
INNER JOIN devices AS d ON s.participant_id = d.participant_id AND s.device_id = d.device_id
WHERE s.participant_id = $1 AND s.session_id = $2 AND s.ended_at IS NULL AND d.removed_at IS NULL;
