-- device: whose a living device is, and its key
SELECT
    d.participant_id,
    d.public_key
FROM device_owners AS o
INNER JOIN devices AS d ON o.participant_id = d.participant_id AND o.device_id = d.device_id
WHERE o.device_id = $1 AND d.removed_at IS NULL;

-- owner: the participant_id of whoever added the passkey with this credential, removed or not
SELECT participant_id
FROM passkey_owners
WHERE credential_id = $1;
