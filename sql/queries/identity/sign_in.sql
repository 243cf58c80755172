-- device: whose a living device is, and its key; from here on the transaction is that participant's
SELECT
    participant_id,
    public_key
FROM enter_by_device($1);

-- owner: the participant_id of whoever added the passkey with this credential, removed or not; from here on the transaction
-- is that participant's
SELECT enter_by_credential($1);
