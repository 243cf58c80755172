-- open: what the challenge was made for, locked until this transaction ends
SELECT
    purpose,
    participant_id,
    device_id,
    subject_id,
    expires_at,
    spent_at
FROM challenges
WHERE nonce = $1
FOR UPDATE;

-- spend: nothing
UPDATE challenges
SET spent_at = $2
WHERE nonce = $1 AND spent_at IS NULL;

-- living_key: the key of a device that was not removed, and until when it is on hold
SELECT
    public_key,
    hold_until
FROM devices
WHERE participant_id = $1 AND device_id = $2 AND removed_at IS NULL;
