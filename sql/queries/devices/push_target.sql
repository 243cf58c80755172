-- take_over: nothing; the participant's other devices lose this target
UPDATE push_targets
SET cleared_at = $5, cleared_because = 'taken_over'
WHERE participant_id = $1 AND device_id <> $2 AND kind = $3 AND value = $4 AND cleared_at IS NULL;

-- set: nothing
INSERT INTO push_targets (participant_id, device_id, kind, value, platform, locale, encryption_key, set_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (participant_id, device_id) DO UPDATE
    SET
        kind = excluded.kind,
        value = excluded.value,
        platform = excluded.platform,
        locale = excluded.locale,
        encryption_key = excluded.encryption_key,
        set_at = excluded.set_at,
        cleared_at = NULL,
        cleared_because = NULL;

-- clear: nothing
UPDATE push_targets
SET cleared_at = $3, cleared_because = 'by_its_phone'
WHERE participant_id = $1 AND device_id = $2 AND cleared_at IS NULL;
