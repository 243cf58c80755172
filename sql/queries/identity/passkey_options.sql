-- living: the credentials of the passkeys that were not removed, newest first
SELECT
    credential_id,
    transports
FROM passkeys
WHERE participant_id = $1 AND removed_at IS NULL
ORDER BY added_at DESC, passkey_id DESC;

-- person: what a passkey is called by: the name, and the last four digits of the identity number
SELECT
    name,
    right(nik, 4) AS nik_last4
FROM participants
WHERE participant_id = $1;
