-- touched: every participant of whom something was written between $1 and $2, by database role $3 or by any: how many
-- entries of which kinds, by whom, when, and by which ways they can be told
SELECT
    c.participant_id,
    count(*) AS entries,
    string_agg(DISTINCT h.kind, ' ' ORDER BY h.kind) AS kinds,
    string_agg(DISTINCT c.origin, ' ' ORDER BY c.origin) AS origins,
    string_agg(DISTINCT c.database_role::text, ' ' ORDER BY c.database_role::text) AS database_roles,
    min(h.recorded_at) AS first_at,
    max(h.recorded_at) AS last_at,
    p.locale,
    EXISTS(
        SELECT FROM push_targets AS t
        WHERE t.participant_id = c.participant_id AND t.cleared_at IS NULL
    ) AS has_push,
    p.email_sealed IS NOT NULL AS has_mail,
    p.phone_sealed IS NOT NULL AS has_phone
FROM causes AS c
INNER JOIN history AS h ON c.participant_id = h.participant_id AND c.cause_id = h.cause_id
INNER JOIN participants AS p ON c.participant_id = p.participant_id
WHERE
    c.recorded_at >= $1 AND c.recorded_at < $2 AND ($3::text IS NULL OR c.database_role = $3)
GROUP BY c.participant_id, p.locale, p.email_sealed, p.phone_sealed
ORDER BY c.participant_id;
