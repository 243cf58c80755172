-- end: the session, also when it had ended before; none when it is not the participant's
UPDATE sessions
SET ended_at = coalesce(ended_at, $3), ended_because = coalesce(ended_because, 'signed_out')
WHERE participant_id = $1 AND session_id = $2
RETURNING session_id;
