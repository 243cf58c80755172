-- find: true when the passkey is the participant's and was not removed
SELECT TRUE
FROM passkeys
WHERE participant_id = $1 AND passkey_id = $2 AND removed_at IS NULL;

-- record_cause: cause_id
SELECT record_cause($1, 'participant', $2::uuid::text);

-- remove: nothing
UPDATE passkeys
SET removed_at = $3, cause_id = $4
WHERE participant_id = $1 AND passkey_id = $2 AND removed_at IS NULL;

-- end_sessions: nothing
UPDATE sessions
SET ended_at = $3, ended_because = 'passkey_removed'
WHERE participant_id = $1 AND passkey_id = $2 AND ended_at IS NULL;
