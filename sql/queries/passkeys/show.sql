-- living: passkeys that were not removed, newest first, from the one after the cursor on
SELECT
    p.passkey_id,
    p.name,
    p.synced,
    p.added_at,
    p.last_used_at,
    CASE WHEN p.hold_until > $3 THEN p.hold_until END AS hold_until,
    coalesce(p.passkey_id = $2::uuid, FALSE) AS current
FROM passkeys AS p
WHERE
    p.participant_id = $1 AND p.removed_at IS NULL
    AND (
        $4::uuid IS NULL
        OR (p.added_at, p.passkey_id) < (
            SELECT
                c.added_at,
                c.passkey_id
            FROM passkeys AS c
            WHERE c.participant_id = $1 AND c.passkey_id = $4
        )
    )
ORDER BY p.added_at DESC, p.passkey_id DESC
LIMIT $5;

-- one: a passkey that was not removed
SELECT
    passkey_id,
    name,
    synced,
    added_at,
    last_used_at,
    CASE WHEN hold_until > $4 THEN hold_until END AS hold_until,
    coalesce(passkey_id = $3::uuid, FALSE) AS current
FROM passkeys
WHERE participant_id = $1 AND passkey_id = $2 AND removed_at IS NULL;

-- rename: the passkey; none when it is not the participant's or was removed
UPDATE passkeys
SET
    name = $3,
    cause_id = CASE WHEN name = $3 THEN cause_id ELSE record_cause($1, 'participant', $4::uuid::text) END
WHERE participant_id = $1 AND passkey_id = $2 AND removed_at IS NULL
RETURNING passkey_id;
