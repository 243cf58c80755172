-- record_cause: cause_id
SELECT record_cause($1, 'participant', $2::uuid::text);

-- is_known: whether this key or its credential was ever added, by whomever
SELECT
    is_known_credential($3)
    OR EXISTS (SELECT FROM passkeys AS p WHERE p.participant_id = $1 AND p.passkey_id = $2);

-- count: how many passkeys the participant has
SELECT count(*)
FROM passkeys
WHERE participant_id = $1 AND removed_at IS NULL;

-- own: nothing
INSERT INTO passkey_owners (credential_id, participant_id, passkey_id)
VALUES ($1, $2, $3);

-- add: nothing
INSERT INTO passkeys
(
    participant_id, passkey_id, name, credential_id, public_key, transports, synced, sign_count,
    added_at, vouched_by, nonce, statement, proof, hold_until, cause_id, seal
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16);
