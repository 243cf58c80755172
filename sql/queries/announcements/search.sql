-- search: announcements with how far each has come, the newest first: the one of event $1, or those before an instant and id
-- ($2, $3), of state $4 (any when NULL), at most $5. Ids of participants are random, so that the place of the last one who was
-- looked at says how much of the whole is done.
SELECT
    a.announcement_id AS id,
    a.event_id,
    a.severity,
    a.audience,
    a.canonical,
    a.text_sha256,
    a.published_at,
    a.staff,
    a.second_staff,
    before.event_id AS replaces,
    later.event_id AS replaced_by,
    r.state,
    r.reached,
    r.ended_at,
    r.stopped_by,
    r.reason,
    CASE
        WHEN r.state = 'done' THEN 1.0
        WHEN a.audience ? 'niks' AND a.replaces IS NULL
            THEN r.reached::float8 / greatest((a.audience ->> 'niks')::int - (a.audience ->> 'unknown')::int, 1)
        ELSE ('x' || left(r.after::text, 8))::bit(32)::bigint / 4294967296.0
    END::float8 AS share,
    extract(EPOCH FROM coalesce(r.ended_at, current_instant()) - a.published_at)::float8 AS took_s
FROM announcements AS a
INNER JOIN announcement_runs AS r ON a.announcement_id = r.announcement_id
LEFT JOIN announcements AS before ON a.replaces = before.announcement_id
LEFT JOIN announcements AS later ON a.announcement_id = later.replaces
WHERE
    ($1::text IS NULL OR a.event_id = $1)
    AND ($2::timestamptz IS NULL OR (a.published_at, a.announcement_id) < ($2, $3::uuid))
    AND ($4::text IS NULL OR r.state = $4)
ORDER BY a.published_at DESC, a.announcement_id DESC
LIMIT $5;

-- stop: whether it was under way until now
SELECT stop_announcement($1, $2);
