-- end: the session, also when it had ended before; none when it is not the participant's
UPDATE sessions
SET ended_at = coalesce(ended_at, $3), ended_because = coalesce(ended_because, 'signed_out')
WHERE participant_id = $1 AND session_id = $2
RETURNING session_id;

-- hold: until when the key that asks may not end another key's session; none when it may
SELECT d.hold_until
FROM devices AS d
INNER JOIN sessions AS s ON d.participant_id = s.participant_id AND s.device_id <> d.device_id
WHERE d.participant_id = $1 AND s.session_id = $2 AND d.device_id = $3 AND d.hold_until > $4;
