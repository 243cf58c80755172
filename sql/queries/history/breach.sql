-- touched: every participant of whom something was written, or whom staff looked at, between $1 and $2, by database role $3
-- or by any: how many entries of which kinds and how many looks, by whom, when, and by which ways they can be told
WITH written AS (
    SELECT
        c.participant_id,
        h.kind,
        c.origin,
        c.database_role::text AS database_role,
        h.recorded_at AS at,
        0 AS looks
    FROM causes AS c
    INNER JOIN history AS h ON c.participant_id = h.participant_id AND c.cause_id = h.cause_id
    WHERE c.recorded_at >= $1 AND c.recorded_at < $2
), looked AS (
    SELECT
        a.participant_id,
        NULL AS kind,
        'agency' AS origin,
        'sepakat_staff' AS database_role,
        a.looked_at AS at,
        1 AS looks
    FROM access_log AS a
    WHERE a.looked_at >= $1 AND a.looked_at < $2
), touched AS (
    SELECT * FROM written
    UNION ALL
    SELECT * FROM looked
)

SELECT
    t.participant_id,
    count(t.kind) AS entries,
    sum(t.looks) AS looks,
    string_agg(DISTINCT t.kind, ' ' ORDER BY t.kind) AS kinds,
    string_agg(DISTINCT t.origin, ' ' ORDER BY t.origin) AS origins,
    string_agg(DISTINCT t.database_role, ' ' ORDER BY t.database_role) AS database_roles,
    min(t.at) AS first_at,
    max(t.at) AS last_at,
    p.locale,
    EXISTS(
        SELECT FROM push_targets AS target
        WHERE target.participant_id = t.participant_id AND target.cleared_at IS NULL
    ) AS has_push,
    p.email_sealed IS NOT NULL AS has_mail,
    p.phone_sealed IS NOT NULL AS has_phone
FROM touched AS t
INNER JOIN participants AS p ON t.participant_id = p.participant_id
WHERE $3::text IS NULL OR t.database_role = $3
GROUP BY t.participant_id, p.locale, p.email_sealed, p.phone_sealed
ORDER BY t.participant_id;
