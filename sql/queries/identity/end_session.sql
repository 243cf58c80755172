-- end: the session, also when it had ended before; none when it is not the participant's
UPDATE sessions
SET ended_at = coalesce(ended_at, $3), ended_because = coalesce(ended_because, 'signed_out')
WHERE participant_id = $1 AND session_id = $2
RETURNING session_id;

-- end_others: nothing; every other living session of the participant, and with $4 this one too
UPDATE sessions
SET ended_at = $3, ended_because = 'signed_out_everywhere'
WHERE participant_id = $1 AND (session_id <> $2 OR $4::boolean) AND ended_at IS NULL;

-- hold: until when the key that asks may not end another key's session; none when it may
SELECT k.hold_until
FROM keys AS k
INNER JOIN sessions AS s ON k.participant_id = s.participant_id AND coalesce(s.device_id, s.passkey_id) <> k.key_id
WHERE k.participant_id = $1 AND s.session_id = $2 AND k.key_id = $3 AND k.hold_until > $4;

-- hold_over_others: until when the key that asks may not end the living sessions of other keys; none when it may, or there
-- are none
SELECT max(k.hold_until)
FROM keys AS k
INNER JOIN sessions AS s ON k.participant_id = s.participant_id AND coalesce(s.device_id, s.passkey_id) <> k.key_id
WHERE
    k.participant_id = $1 AND k.key_id = $2 AND k.hold_until > $3
    AND s.ended_at IS NULL AND s.refresh_expires_at > $3;
