-- find: true when the device is the participant's and was not removed
SELECT TRUE
FROM devices
WHERE participant_id = $1 AND device_id = $2 AND removed_at IS NULL;

-- record_cause: cause_id
SELECT record_cause($1, 'participant', $2::uuid::text);

-- remove: nothing
UPDATE devices
SET removed_at = $3, cause_id = $4
WHERE participant_id = $1 AND device_id = $2 AND removed_at IS NULL;

-- end_sessions: nothing
UPDATE sessions
SET ended_at = $3, ended_because = 'device_removed'
WHERE participant_id = $1 AND device_id = $2 AND ended_at IS NULL;

-- clear_push_target: nothing
UPDATE push_targets
SET cleared_at = $3, cleared_because = 'device_removed'
WHERE participant_id = $1 AND device_id = $2 AND cleared_at IS NULL;
