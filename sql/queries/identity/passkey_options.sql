-- living: the credentials of the passkeys that were not removed, newest first
SELECT
    credential_id,
    transports
FROM passkeys
WHERE participant_id = $1 AND removed_at IS NULL
ORDER BY added_at DESC, passkey_id DESC;

-- person: what a passkey is called by: the name, and the identity number, sealed
SELECT
    name,
    nik_sealed
FROM participants
WHERE participant_id = $1;
