-- living: devices that were not removed, newest first, from the one after the cursor on
SELECT
    d.device_id,
    d.name,
    d.platform,
    d.added_at,
    CASE WHEN d.hold_until > $3 THEN d.hold_until END AS hold_until,
    coalesce(d.device_id = $2::uuid, FALSE) AS current
FROM devices AS d
WHERE
    d.participant_id = $1 AND d.removed_at IS NULL
    AND (
        $4::uuid IS NULL
        OR (d.added_at, d.device_id) < (
            SELECT
                c.added_at,
                c.device_id
            FROM devices AS c
            WHERE c.participant_id = $1 AND c.device_id = $4
        )
    )
ORDER BY d.added_at DESC, d.device_id DESC
LIMIT $5;

-- rename: the device under its new name; none when it is not the participant's or was removed
UPDATE devices
SET
    name = $3,
    cause_id = CASE WHEN name = $3 THEN cause_id ELSE record_cause($1, 'participant', $6::uuid::text) END
WHERE participant_id = $1 AND device_id = $2 AND removed_at IS NULL
RETURNING
    device_id,
    name,
    platform,
    added_at,
    CASE WHEN hold_until > $5 THEN hold_until END AS hold_until,
    coalesce(device_id = $4::uuid, FALSE) AS current;
