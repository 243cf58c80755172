-- open: what the challenge was made for, locked until this transaction ends
SELECT
    purpose,
    participant_id,
    device_id,
    subject_id,
    expires_at,
    spent_at
FROM open_challenge($1);

-- spend: nothing
SELECT spend_challenge($1, $2);

-- living_key: the key of a device that was not removed, until when it is on hold, and its seal
SELECT
    public_key,
    added_at,
    hold_until,
    seal
FROM devices
WHERE participant_id = $1 AND device_id = $2 AND removed_at IS NULL;

-- lock: nothing of this participant changes until this transaction ends
SELECT lock_participant($1);

-- living_passkey: the passkey with this credential that was not removed, its key, until when it is on hold, and its seal
SELECT
    passkey_id,
    public_key,
    added_at,
    hold_until,
    seal
FROM passkeys
WHERE participant_id = $1 AND credential_id = $2 AND removed_at IS NULL;

-- count_use: the passkey; none when its counter went back. One that counts nothing, or no longer, says nothing by it
UPDATE passkeys
SET
    sign_count = greatest(sign_count, $3),
    synced = $4,
    last_used_at = greatest(last_used_at, current_instant())
WHERE
    participant_id = $1 AND passkey_id = $2 AND removed_at IS NULL
    AND (sign_count = 0 OR $3 = 0 OR $3 >= sign_count)
RETURNING passkey_id;
